#[rapace::service]
trait Highlighter {
    fn blocking(&self);
    unsafe fn not_safe(&self);
    async extern "C" fn foreign(&self);
    const fn constant(&self);
    async fn generic<T>(&self, item: T);
    async fn lifetime<'a>(&'a self);
    async fn bounded(&self)
    where
        Self: Sized;
    #[cfg(feature = "extra")]
    async fn sometimes(&self);
    #[cfg_attr(unix, cfg(target_pointer_width = "64"))]
    async fn hidden(&self);
    #[cfg_attr(unix, doc = "Docs are welcome.")]
    async fn documented(&self);
}

fn main() {}
