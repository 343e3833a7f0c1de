use pathway::prelude::*;

struct Order {
    user: u64,
}

fn main() -> pathway::Result<()> {
    let app = Pipeline::new("orders");
    app.rows(vec![Order { user: 1 }]).write(null::sink());
    app.run()
}
