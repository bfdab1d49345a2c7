//! Being the only connection of a name: whoever had it before can have bytes on their way to the engine still, and must not.

use super::{LONG, LinkError, NodeLink, PROMPT, Patience, Reply, Request};

/// Longest list of connections: sixty thousand of them at some 400 bytes.
const LIST_BYTES_MAX: usize = 24 << 20;
/// Rounds of ending others; more come only while somebody keeps connecting under the name.
const ROUNDS_MAX: u32 = 5;

impl NodeLink {
    /// Takes a name, and ends all other connections that have it. Afterwards the engine carries out nothing any more that came
    /// over those, however much of it was sent.
    ///
    /// # Errors
    /// `Engine` when others keep connecting under the name, else see [`LinkError`].
    pub async fn be_the_only(&mut self, name: &str) -> Result<(), LinkError> {
        self.expect_status(&["CLIENT", "SETNAME", name], "OK").await?;
        let me = match self.ask(Request::of(&["CLIENT", "ID"]), PROMPT).await? {
            Reply::Integer(id) => id.to_string(),
            Reply::Error(message) => return Err(self.refusal(message)),
            Reply::Status(_) | Reply::Bulk(_) | Reply::Null | Reply::Array(_) => {
                return Err(self.unexpected("something else than a number"));
            }
        };
        for _round in 0..ROUNDS_MAX {
            let reply = self.ask(Request::of(&["CLIENT", "LIST"]), Patience { bytes_max: LIST_BYTES_MAX, ..LONG }).await?;
            let others: Vec<String> = namesakes(&self.text(reply)?, name).filter(|id| *id != me).map(str::to_owned).collect();
            if others.is_empty() {
                return Ok(());
            }
            let mut request = Request::default();
            for id in &others {
                request.add(&["CLIENT", "KILL", "ID", id]);
            }
            self.exchange(request, LONG).await?;
        }
        Err(LinkError::Engine { address: self.address, message: format!("others keep connecting as {name}") })
    }
}

/// Numbers of the connections of a name.
fn namesakes<'l>(list: &'l str, name: &'l str) -> impl Iterator<Item = &'l str> {
    list.lines().filter_map(move |line| {
        let field = |field: &str| line.split(' ').find_map(|word| word.strip_prefix(field));
        (field("name=")? == name).then(|| field("id=")).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn namesakes_have_the_name_as_a_whole() {
        let list = "id=7 addr=1:2 laddr=3:4 fd=8 name=a age=1 user=name=b\nid=9 addr=1:2 name=ab lib-name=\nid=11 name=a\n";
        assert_eq!(namesakes(list, "a").collect::<Vec<_>>(), ["7", "11"]);
        assert_eq!(namesakes(list, "b").count(), 0);
    }
}
