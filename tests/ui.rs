//! What the compiler says about a mistake, one mistake a file.
//!
//! `TRYBUILD=overwrite cargo test --test ui` writes the messages anew; read each as a user would.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    for of in ["schema", "aggregate", "operator"] {
        cases.pass(format!("tests/ui/{of}/pass/*.rs"));
        cases.compile_fail(format!("tests/ui/{of}/fail/*.rs"));
    }
    cases.compile_fail("tests/ui/verb/fail/*.rs");
}
