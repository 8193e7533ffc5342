//! `towline domain`: the name that a tunnel domain's number stands for, and back.

use towline::{crypto::CryptoProvider, hybrid::domain::TunnelDomain};

use crate::{
    args,
    event::Event,
    exit::{Exit, Failure},
    report::Report,
};

pub(crate) fn run(args: &args::Domain, report: &Report) -> Result<Exit, Failure> {
    let provider = towline::fastest::provider();
    let domain = find(&args.domain, &provider).map_err(|what| Failure::usage("domain", what))?;
    report.event(&Event::Domain { number: domain.encoded(), host: domain.host(&provider) });
    Ok(Exit::Ok)
}

fn find(given: &str, provider: &CryptoProvider) -> Result<TunnelDomain, String> {
    if given.bytes().all(|digit| digit.is_ascii_digit()) {
        let unknown =
            || format!("no tunnel domain has the number {given}; there are 0, 1 and 256 to 65535");
        let number = given.parse().map_err(|_| unknown())?;
        return TunnelDomain::new(number).map_err(|_| unknown());
    }
    let mut all = (0..=u16::MAX).filter_map(|number| TunnelDomain::new(number).ok());
    all.find(|domain| domain.host(provider).eq_ignore_ascii_case(given))
        .ok_or_else(|| format!("{given:?} is not the name of a tunnel domain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_a_name_and_the_name_its_number() {
        let provider = towline::fastest::provider();
        for number in [0, 1, 256, 257, 65_535] {
            let domain = find(&number.to_string(), &provider).unwrap();
            let host = domain.host(&provider);
            assert_eq!(find(&host.to_uppercase(), &provider), Ok(domain), "{host}");
        }
        for odd in ["2", "255", "65536", "99999999999", "", "cable.example", "-1"] {
            assert!(find(odd, &provider).is_err(), "{odd}");
        }
    }
}
