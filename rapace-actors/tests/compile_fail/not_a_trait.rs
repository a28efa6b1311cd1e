#[rapace::service]
struct Highlighter;

fn main() {}
