//! Codes are unique, numbered without a gap and can be looked up.

use campanile_catalogue::error_codes::ErrorCode;

#[test]
fn codes_are_numbered_in_order_and_parse_back() {
    for (index, code) in ErrorCode::ALL.into_iter().enumerate() {
        assert_eq!(code.as_str(), format!("CAMP{:04}", index + 1));
        assert_eq!(ErrorCode::parse(code.as_str()), Some(code));
        assert_eq!(code.to_string(), code.as_str());
    }
    assert_eq!(ErrorCode::parse("CAMP9999"), None);
}

#[test]
fn titles_are_lower_case_and_without_a_full_stop() {
    for code in ErrorCode::ALL {
        let title = code.title();
        assert!(title.starts_with(char::is_lowercase) && !title.ends_with('.'), "{title}");
    }
}

#[test]
fn every_code_has_a_page_under_its_title() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/errors");
    for code in ErrorCode::ALL {
        let page = std::fs::read_to_string(format!("{folder}/{code}.md")).expect("a page for each code");
        let heading = page.lines().next().unwrap_or_default();
        assert_eq!(heading, format!("# {code}: {}", code.title()));
    }
}
