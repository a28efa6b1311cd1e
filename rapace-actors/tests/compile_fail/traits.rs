#[rapace::service]
trait Generic<T> {
    async fn call(&self);
}

#[rapace::service]
trait Borrowing<'a> {
    async fn call(&self);
}

#[rapace::service]
trait Bounded
where
    Self: Sized,
{
    async fn call(&self);
}

#[rapace::service]
unsafe trait Unsafe {
    async fn call(&self);
}

#[rapace::service]
trait Empty {}

#[rapace::service]
#[rapace(name = "other.Name")]
trait Misplaced {
    async fn call(&self);
}

fn main() {}
