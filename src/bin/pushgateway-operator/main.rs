//! The operator's program.

fn main() {
    print!("{}", pushgateway::operator::crd::yaml());
}
