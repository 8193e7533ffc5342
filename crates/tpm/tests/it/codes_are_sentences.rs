//! Every code that TPMs answer has a sentence, and is about a part of the command.

use std::collections::HashSet;

use towline_tpm::{Code, CodeSubject, ResponseCode};

#[test]
fn each_code_is_one_and_has_a_sentence_for_people() {
    let mut numbers = HashSet::new();
    for (number, code) in Code::ALL {
        assert!(numbers.insert(number), "{number:#x} twice");
        assert_eq!(ResponseCode::new(*number).code(), Some(*code), "{number:#x}");
        let sentence = ResponseCode::new(*number).to_string();
        assert!(sentence.contains(code.sentence()) && code.sentence().len() > 15, "{sentence}");
        assert!(sentence.contains(&format!("{number:#x}")), "{sentence}");
    }
    assert!(Code::ALL.len() > 80, "{}", Code::ALL.len());
}

#[test]
fn codes_say_which_part_of_the_command_they_are_about() {
    let cases = [
        (0x98e, Code::AuthFail, CodeSubject::Session(1)),
        (0x9a2, Code::BadAuth, CodeSubject::Session(1)),
        (0xaa2, Code::BadAuth, CodeSubject::Session(2)),
        (0x1df, Code::Integrity, CodeSubject::Parameter(1)),
        (0x2d2, Code::Scheme, CodeSubject::Parameter(2)),
        (0x3e0, Code::Ticket, CodeSubject::Parameter(3)),
        (0x18b, Code::Handle, CodeSubject::Handle(1)),
        (0x910, Code::ReferenceHandle, CodeSubject::Command),
        (0x912, Code::ReferenceHandle, CodeSubject::Command),
        (0x919, Code::ReferenceSession, CodeSubject::Command),
        (0x921, Code::Lockout, CodeSubject::Command),
        (0x12f, Code::AuthUnavailable, CodeSubject::Command),
        (0x99d, Code::PolicyFail, CodeSubject::Session(1)),
        (0x000b_0143, Code::CommandCode, CodeSubject::Command),
    ];
    for (number, code, subject) in cases {
        let response = ResponseCode::new(number);
        assert_eq!((response.code(), response.subject()), (Some(code), subject), "{number:#x}");
    }
    assert_eq!(ResponseCode::new(0x7ff).code(), None);
    assert!(ResponseCode::new(0x7ff).to_string().contains("not known"));
}

#[test]
fn what_is_sent_again_is_what_has_changed_nothing() {
    let again = [0x922, 0x908, 0x90a, 0x920, 0x923];
    for (number, _) in Code::ALL {
        assert_eq!(ResponseCode::new(*number).is_retry(), again.contains(number), "{number:#x}");
    }
    assert!(ResponseCode::new(0x98e).is_wrong_auth() && ResponseCode::new(0x9a2).is_wrong_auth());
    assert!(!ResponseCode::new(0x921).is_wrong_auth());
    assert!([0x910, 0x18b, 0x918, 0x98b].iter().all(|gone| ResponseCode::new(*gone).is_gone()));
    assert!(!ResponseCode::new(0x1df).is_gone());
}
