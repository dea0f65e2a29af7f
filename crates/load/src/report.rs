//! What a run shows: a table for people, one JSON object for programs.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::latency::Histogram;

/// Rows of text under a head, columns aligned; the first to the left, the others to the right.
#[derive(Clone, Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn new<T: Into<String>>(head: impl IntoIterator<Item = T>) -> Self {
        Self { rows: vec![head.into_iter().map(Into::into).collect()] }
    }

    pub fn row<T: Into<String>>(&mut self, cells: impl IntoIterator<Item = T>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| self.rows.iter().filter_map(|r| r.get(column)).map(|c| c.chars().count()).max();
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or_default()).collect();
        let mut out = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                // Writing to a string cannot fail.
                let _ = match column {
                    0 => write!(line, "{cell:<width$}"),
                    _ => write!(line, "  {cell:>width$}"),
                };
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

/// Whole thousands apart: `3 000 000`.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

/// Milliseconds at the quantiles that people compare.
pub fn latency_json(latency: &Histogram) -> Value {
    let mut map = Map::new();
    let ms = |duration: std::time::Duration| Value::from((duration.as_secs_f64() * 1e6).round() / 1e3);
    map.insert("count".to_owned(), latency.count().into());
    map.insert("mean_ms".to_owned(), ms(latency.mean()));
    for (name, share) in QUANTILES {
        map.insert(format!("{name}_ms"), ms(latency.quantile(share)));
    }
    map.insert("max_ms".to_owned(), ms(latency.max()));
    Value::Object(map)
}

pub fn latency_table(latency: &Histogram) -> Table {
    let ms = |duration: std::time::Duration| format!("{:.2}", duration.as_secs_f64() * 1e3);
    let mut table = Table::new(["from intended send to answer", "ms"]);
    table.row(["mean".to_owned(), ms(latency.mean())]);
    for (name, share) in QUANTILES {
        table.row([name.to_owned(), ms(latency.quantile(share))]);
    }
    table.row(["max".to_owned(), ms(latency.max())]);
    table
}

const QUANTILES: [(&str, f64); 4] = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)];
