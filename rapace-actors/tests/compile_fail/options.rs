#[rapace::service(name = "")]
trait Nameless {
    async fn call(&self);
}

#[rapace::service(nmae = "other.Name")]
trait Misspelt {
    async fn call(&self);
}

#[rapace::service(name = "one", name = "two")]
trait Twice {
    async fn call(&self);
}

#[rapace::service]
trait Methods {
    #[rapace(idempotant)]
    async fn misspelt(&self);
    #[rapace(idempotent, idempotent)]
    async fn twice(&self);
    #[rapace(message = "Text")]
    async fn quoted(&self);
    #[rapace]
    async fn bare(&self);
    #[rapace(idempotent = true)]
    async fn valued(&self);
}

fn main() {}
