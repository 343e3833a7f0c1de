//! Persons.

use super::text::{pick, text};
use super::{FIRST_ID, Generator, last_person, time};
use crate::rows::Person;

const FIRST_NAMES: [&str; 11] =
    ["Ada", "Bruno", "Chiara", "David", "Elena", "Farid", "Greta", "Hugo", "Ines", "Jan", "Kira"];
const LAST_NAMES: [&str; 9] =
    ["Adler", "Brandt", "Conti", "Duval", "Eriksen", "Fuchs", "Garcia", "Haas", "Ito"];
const CITIES: [&str; 10] = [
    "Bend",
    "Boise",
    "Cheyenne",
    "Kent",
    "Phoenix",
    "Portland",
    "Redmond",
    "San Diego",
    "Seattle",
    "Tucson",
];
const STATES: [&str; 6] = ["AZ", "CA", "ID", "OR", "WA", "WY"];

/// The bytes of a person on average.
pub(super) const AVERAGE_BYTES: usize = 200;

impl Generator {
    pub(super) fn person(&mut self, event: u64) -> Person {
        let random = &mut self.random;
        let name = format!("{} {}", pick(random, &FIRST_NAMES), pick(random, &LAST_NAMES));
        let email = format!("{}@{}.com", text(random, 3, 7), text(random, 3, 5));
        let mut group = || random.below(10_000);
        let credit_card = format!("{:04} {:04} {:04} {:04}", group(), group(), group(), group());
        let city = pick(random, &CITIES).to_owned();
        let state = pick(random, &STATES).to_owned();
        let texts = [&name, &email, &credit_card, &city, &state];
        let size = 8 + texts.iter().map(|text| text.len()).sum::<usize>();
        let extra = self.extra(size, AVERAGE_BYTES);
        let id = FIRST_ID + last_person(event);
        Person { id, name, email, credit_card, city, state, date_time: time(event), extra }
    }
}
