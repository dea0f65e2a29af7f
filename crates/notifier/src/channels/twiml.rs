//! Documents that tell a call or a reply what to say. Source: Twilio, TwiML.

/// Text inside an element or an attribute.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            // XML 1.0 cannot carry them at all.
            c if c.is_control() && !matches!(c, '\n' | '\t') => out.push(' '),
            '\u{fffe}' | '\u{ffff}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

fn response(inside: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>{inside}</Response>")
}

/// Says it twice and hangs up: whoever picks up often misses the first words.
pub fn say_only(says: &str) -> String {
    let says = escaped(says);
    response(&format!("<Say>{says}</Say><Pause length=\"1\"/><Say>{says}</Say><Hangup/>"))
}

/// Says it once and hangs up.
pub fn goodbye(says: &str) -> String {
    response(&format!("<Say>{}</Say><Hangup/>", escaped(says)))
}

/// Says it and waits for one key, which is sent to `key_url`; without one, goes on at `again_url`.
pub fn ask(says: &str, key_url: &str, again_url: &str) -> String {
    let (says, key_url, again_url) = (escaped(says), escaped(key_url), escaped(again_url));
    response(&format!(
        "<Gather input=\"dtmf\" numDigits=\"1\" timeout=\"6\" action=\"{key_url}\" method=\"POST\"><Say>{says}</Say>\
         </Gather><Redirect method=\"POST\">{again_url}</Redirect>"
    ))
}

/// The answer to an SMS.
pub fn reply(text: &str) -> String {
    response(&format!("<Message>{}</Message>", escaped(text)))
}

/// Nothing is to be done.
pub fn nothing() -> String {
    response("")
}
