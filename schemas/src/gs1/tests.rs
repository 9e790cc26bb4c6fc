use super::*;

fn known(issuer: &Issuer) -> bool {
    ["0614141", "061414199", "7610425", "4012345"].contains(&issuer.as_str())
}

fn read(text: &str) -> Result<String, Gs1Error> {
    parse(text, known).map(|id| id.to_string())
}

#[test]
fn every_form_of_a_key_is_the_same_item() {
    // The keys of the GS1 EPC Tag Data Standard, sections 6.3 and 7, and table 7-9 of the General
    // Specifications.
    let same = [
        (
            "0614141:cpi.123abc.123456789",
            "(8010) 0614141123ABC (8011) 123456789",
            "urn:epc:id:cpi:0614141.123ABC.123456789",
            "https://id.gs1.org/8010/0614141123ABC/8011/123456789",
        ),
        (
            "0614141:cpi.5pq7/z43.12345",
            "(8010) 0614141 5PQ7/Z43 (8011) 12345",
            "urn:epc:id:cpi:0614141.5PQ7%2FZ43.12345",
            "https://id.gs1.org/8010/06141415PQ7%2FZ43/8011/12345",
        ),
        (
            "0614141:giai.12345400",
            "(8004) 0614141 12345400",
            "urn:epc:id:giai:0614141.12345400",
            "https://id.gs1.org/8004/061414112345400",
        ),
        (
            "0614141:sscc.1234567890",
            "(00) 1 0614141 234567890 8",
            "urn:epc:id:sscc:0614141.1234567890",
            "https://id.gs1.org/00/106141412345678908",
        ),
        (
            "7610425:sscc.3002123456",
            "(00)376104250021234569",
            "urn:epc:id:sscc:7610425.3002123456",
            "https://id.gs1.org/00/376104250021234569",
        ),
    ];
    for (id, element_string, urn, link) in same {
        for form in [element_string, urn, link] {
            assert!(is_gs1(form), "{form}");
            assert_eq!(read(form).as_deref(), Ok(id), "{form}");
        }
        let id: ItemId = id.parse().unwrap();
        assert!(!is_gs1(&id.to_string()));
        assert_eq!(to_epc_urn(&id).unwrap(), urn);
        assert_eq!(to_digital_link(&id).unwrap(), link);
    }
}

#[test]
fn letters_of_an_asset_are_one_case_in_the_ledger() {
    let lower = read("urn:epc:id:giai:0614141.32a%2Fb").unwrap();
    assert_eq!(lower, "0614141:giai.32a/b");
    assert_eq!(read("(8004)061414132A/B"), Ok(lower.clone()));
    let urn = to_epc_urn(&lower.parse().unwrap()).unwrap();
    assert_eq!(urn, "urn:epc:id:giai:0614141.32A%2FB");
    assert_eq!(read(&urn), Ok(lower));
}

#[test]
fn a_digital_link_may_have_any_host_a_path_before_the_key_and_a_query_after_it() {
    for link in [
        "https://example.com/8004/061414112345400",
        "http://example.com:8080/assets/x/8004/061414112345400/?linkType=all",
        "HTTPS://id.gs1.org/8004/061414112345400#top",
    ] {
        assert_eq!(read(link).as_deref(), Ok("0614141:giai.12345400"), "{link}");
    }
}

#[test]
fn other_identifiers_beside_the_key_do_not_matter() {
    let label = "(00)106141412345678908(02)09521234543213(37)24";
    assert_eq!(read(label).as_deref(), Ok("0614141:sscc.1234567890"));
}

#[test]
fn the_longest_registered_prefix_owns_the_digits() {
    let id = read("(8004)06141419912").unwrap();
    assert_eq!(id, "061414199:giai.12");
    assert_eq!(read("urn:epc:id:giai:061414199.12"), Ok(id));
    // The URN with the shorter prefix would make a second item of the same label.
    assert!(matches!(
        read("urn:epc:id:giai:0614141.9912"),
        Err(Gs1Error::OtherPrefix { .. })
    ));
}

#[test]
fn an_unregistered_prefix_is_told_how_to_become_an_issuer() {
    let refused = read("(8004)95200001").unwrap_err();
    assert!(matches!(refused, Gs1Error::UnknownPrefix { .. }));
    assert!(
        refused
            .to_string()
            .contains("register the GS1 company prefix")
    );
    // A URN says where the prefix ends; the ledger will say that nobody owns it.
    assert_eq!(
        read("urn:epc:id:giai:952000.01").as_deref(),
        Ok("952000:giai.01")
    );
}

#[test]
fn what_names_no_item_is_refused_with_a_reason() {
    let class = [
        "(01)09521234543213",
        "(01)09521234543213(21)7",
        "https://id.gs1.org/01/09521234543213/21/7",
        "urn:epc:id:sgtin:0614141.112345.400",
    ];
    for gtin in class {
        assert_eq!(read(gtin), Err(Gs1Error::Class), "{gtin}");
    }
    assert_eq!(read("(8010)0614141123ABC"), Err(Gs1Error::NoSerial));
    assert_eq!(
        read("urn:epc:id:cpi:0614141.123ABC"),
        Err(Gs1Error::NoSerial)
    );
    assert_eq!(
        read("(00)106141412345678908(8004)061414112345400"),
        Err(Gs1Error::TwoKeys)
    );
    assert_eq!(read("(8004)06141411(8004)06141412"), Err(Gs1Error::TwoKeys));
    for no_form in [
        "",
        "NVIDIA:1654322001234",
        "106141412345678908",
        "()",
        "(00)",
        "(x)1",
        "https://example.com/",
        "https://example.com/8004",
        "urn:epc:id:sgln:0614141.12345.400",
        "urn:epc:id:giai:0614141",
        "urn:epc:id:",
        "urn:epc:idé:giai:0614141.1",
        "(10)LOT-7",
    ] {
        assert!(
            matches!(read(no_form), Err(Gs1Error::Form { .. })),
            "{no_form}"
        );
    }
}

#[test]
fn parts_out_of_bounds_are_refused() {
    for bad in [
        "(00)10614141234567890",
        "(00)10614141234567890X",
        "(8010)0614141abc(8011)1",
        "(8010)0614141A(8011)007",
        "(8010)0614141A(8011)1234567890123",
        "(8010)0614141(8011)1",
        "(8004)0614141",
        "(8004)0614141123456789012345678901234",
        "urn:epc:id:giai:06141.41",
        "urn:epc:id:giai:0614141.%2",
        "urn:epc:id:giai:0614141.%G0",
        "urn:epc:id:giai:0614141.",
        "urn:epc:id:sscc:0614141.12345678908",
        "urn:epc:id:cpi:0614141..1",
    ] {
        assert!(
            matches!(read(bad), Err(Gs1Error::Part { .. })),
            "{bad}: {:?}",
            read(bad)
        );
    }
    // Right for GS1, more than the ledger's ids can hold: characters, or bytes.
    for too_much in [
        "(8004)0614141A+B",
        "(8010)06141411234567890123456789012(8011)123456789012",
    ] {
        assert!(matches!(read(too_much), Err(Gs1Error::Id(_))), "{too_much}");
    }
}

#[test]
fn a_wrong_digit_of_a_label_is_caught_wherever_it_is() {
    let label = "106141412345678908";
    for at in 0..label.len() {
        let mut digits = label.as_bytes().to_vec();
        digits[at] = b'0' + (digits[at] - b'0' + 1) % 10;
        let wrong = format!("(00){}", String::from_utf8(digits).unwrap());
        assert!(
            matches!(read(&wrong), Err(Gs1Error::CheckDigit { .. })),
            "{wrong}"
        );
    }
}

#[test]
fn check_digits_are_those_of_published_keys() {
    // General Specifications, section 7.9: GTIN-13 and SSCC; EPC Tag Data Standard, section 7:
    // SSCC.
    for (digits, check) in [
        ("629104150021", 3),
        ("37610425002123456", 9),
        ("10614141234567890", 8),
    ] {
        assert_eq!(check_digit(digits), Some(check), "{digits}");
    }
    assert_eq!(check_digit("12a"), None);
}

#[test]
fn ids_that_no_gs1_key_makes_have_no_gs1_form() {
    for id in [
        "NVIDIA:1654322001234",
        "0614141:rack-17",
        "0614141:sscc.123",
        "0614141:cpi.123abc",
        "0614141:cpi.a.007",
        "06141:giai.1",
        "NVIDIA:giai.1",
    ] {
        let id: ItemId = id.parse().unwrap();
        assert_eq!(to_epc_urn(&id), Err(Gs1Error::NotGs1 { id: id.clone() }));
        assert_eq!(
            to_digital_link(&id),
            Err(Gs1Error::NotGs1 { id: id.clone() })
        );
    }
}
