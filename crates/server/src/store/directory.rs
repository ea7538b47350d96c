//! Groups that somebody may see. Which they are is found by indexes alone: a list passes over no group that others have
//! to themselves, and over those before it without reading them.

use rusqlite::{Connection, params};

use super::groups::{GROUP, Group, group_of, with_members};
use super::{ChatKey, Store, StoreError};

/// No further group once those listed have so many bytes of names and descriptions as JSON: an answer is bounded,
/// however many members the groups have.
const LISTED: usize = 1024 * 1024;

/// All groups of a namespace.
const ALL: &str = "SELECT chat FROM groups WHERE namespace = ?1";

/// Those that a viewer may see.
const VISIBLE: &str = "SELECT chat FROM groups WHERE namespace = ?1 AND private = 0
     UNION SELECT members.chat FROM members CROSS JOIN groups ON groups.chat = members.chat
     WHERE members.user_id = ?2 AND groups.namespace = ?1";

/// Those of a member; where there is a viewer, that the viewer may see.
const OF_MEMBER: &str = "SELECT members.chat FROM members CROSS JOIN groups ON groups.chat = members.chat
     WHERE members.user_id = ?3 AND groups.namespace = ?1
     AND (?2 IS NULL OR private = 0
          OR EXISTS (SELECT 1 FROM members AS own WHERE own.chat = groups.chat AND own.user_id = ?2))";

/// Whose groups are listed.
#[derive(Clone, Debug)]
struct Asked {
    namespace: String,
    viewer: Option<String>,
    member: Option<String>,
}

impl Asked {
    /// What finds their rows, the newest first.
    fn sql(&self) -> String {
        let found = match (&self.viewer, &self.member) {
            (_, Some(_)) => OF_MEMBER,
            (Some(_), None) => VISIBLE,
            (None, None) => ALL,
        };
        format!("{found} ORDER BY 1 DESC LIMIT ?4 OFFSET ?5")
    }
}

fn listed(connection: &Connection, asked: &Asked, limit: u64, offset: u64) -> rusqlite::Result<(Vec<Group>, bool)> {
    // Of one moment: none of them goes before it is read.
    let moment = connection.unchecked_transaction()?;
    let offset = i64::try_from(offset).unwrap_or(i64::MAX);
    let Asked { namespace, viewer, member } = asked;
    let keys: Vec<ChatKey> = moment
        .prepare_cached(&asked.sql())?
        .query_map(params![namespace, viewer, member, limit, offset], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut select = moment.prepare_cached(&format!("{GROUP} WHERE groups.chat = ?1"))?;
    let (mut groups, mut bytes) = (Vec::new(), 0);
    for key in &keys {
        if bytes > LISTED {
            return Ok((groups, true));
        }
        let group = with_members(&moment, select.query_row([key], group_of)?)?;
        bytes += json_len(&group);
        groups.push(group);
    }
    let has_more = keys.len() as u64 == limit;
    Ok((groups, has_more))
}

/// What a group takes in an answer but for its frame: JSON may make a text six times as long.
fn json_len(group: &Group) -> usize {
    let texts = (&group.name, &group.description, &group.user_ids);
    serde_json::to_string(&texts).map_or(0, |json| json.len())
}

impl Store {
    /// Groups of a namespace that a viewer may see: public ones, and those where they are a member; without a viewer
    /// all. Where a member is named, only those with that one. The newest first, as many as fit into an answer, and
    /// whether there may be more.
    pub async fn groups(
        &self,
        namespace: String,
        viewer: Option<String>,
        member: Option<String>,
        limit: u64,
        offset: u64,
    ) -> Result<(Vec<Group>, bool), StoreError> {
        let asked = Asked { namespace, viewer, member };
        self.look(move |connection| listed(connection, &asked, limit, offset)).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::schema;
    use rusqlite::StatementStatus;

    /// A database with four groups: a public one, a private one of Ann's and Ben's, one of Ben's, a public one of
    /// Ben's; behind them so many private ones of Ben's.
    fn database(folder: &tempfile::TempDir, others: usize) -> Connection {
        let connection = schema::open(&folder.path().join("chat.db")).expect("a database");
        let sql = format!(
            "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {others} + 4)
             INSERT INTO chats (chat, namespace, id, epoch, created_at) SELECT n, 'micro', n, 1, 1 FROM n;
             INSERT INTO groups SELECT chat, 'micro', 'lunch', '', '', chat NOT IN (1, 4), 1 FROM chats;
             INSERT INTO members (chat, user_id) SELECT chat, 'ben' FROM chats WHERE chat > 1;
             INSERT INTO members (chat, user_id) VALUES (2, 'ann');
             INSERT INTO chats (chat, namespace, id, epoch, created_at) VALUES (90000, 'other', 'a', 1, 1);
             INSERT INTO groups VALUES (90000, 'other', 'lunch', '', '', 0, 1);
             INSERT INTO members (chat, user_id) VALUES (90000, 'ann');"
        );
        connection.execute_batch(&sql).expect("groups");
        connection
    }

    fn asked(viewer: Option<&str>, member: Option<&str>) -> Asked {
        let [viewer, member] = [viewer, member].map(|name| name.map(str::to_owned));
        Asked { namespace: "micro".to_owned(), viewer, member }
    }

    #[test]
    fn each_sees_what_is_public_and_what_is_theirs_the_newest_first() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 0);
        for (viewer, member, offset, expected, has_more) in [
            (None, None, 0, vec![4, 3, 2], true),
            (None, None, 3, vec![1], false),
            (Some("ann"), None, 0, vec![4, 2, 1], true),
            (Some("ann"), None, 1, vec![2, 1], false),
            (Some("eve"), None, 0, vec![4, 1], false),
            (Some("ben"), None, 0, vec![4, 3, 2], true),
            (None, Some("ben"), 0, vec![4, 3, 2], true),
            (Some("ann"), Some("ben"), 0, vec![4, 2], false),
            (Some("eve"), Some("ben"), 0, vec![4], false),
            (Some("eve"), Some("ann"), 0, vec![], false),
            (None, None, u64::MAX, vec![], false),
        ] {
            let found = listed(&connection, &asked(viewer, member), 3, offset).expect("a list");
            let keys: Vec<_> = found.0.iter().map(|group| group.key).collect();
            assert_eq!((keys, found.1), (expected, has_more), "{viewer:?} of {member:?} from {offset}");
        }
    }

    #[test]
    fn a_list_ends_with_the_group_that_makes_it_too_large_escapes_counted() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 36);
        let sql = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < 100)
             INSERT INTO members (chat, user_id)
             SELECT chat, n || replace(hex(zeroblob(125)), '0', char(1)) FROM groups, n";
        connection.execute_batch(sql).expect("long names");
        let (mut offset, mut answers) = (0, 0);
        loop {
            let (groups, has_more) = listed(&connection, &asked(None, None), 1_000, offset).expect("a list");
            let lengths: Vec<usize> = groups.iter().map(json_len).collect();
            let all_but_the_last = lengths.split_last().map_or(0, |(_, others)| others.iter().sum());
            assert!(all_but_the_last <= LISTED && lengths.iter().all(|length| *length < 200_000), "{lengths:?}");
            (offset, answers) = (offset + groups.len() as u64, answers + 1);
            if !has_more {
                break;
            }
        }
        assert!(offset == 40 && answers > 5, "{offset} in {answers}");
    }

    /// How many steps SQLite takes for a page.
    fn steps(connection: &Connection, sql: &str, asked: &Asked, offset: i64) -> i32 {
        let mut select = connection.prepare(sql).expect("a query");
        let params = params![asked.namespace, asked.viewer, asked.member, 100, offset];
        assert!(select.query_map(params, |_| Ok(())).expect("rows").all(|row| row.is_ok()));
        select.get_status(StatementStatus::VmStep)
    }

    #[test]
    fn groups_that_others_have_to_themselves_are_not_looked_at() {
        let folders = [(); 2].map(|()| tempfile::tempdir().expect("a folder"));
        let (few, many) = (database(&folders[0], 0), database(&folders[1], 5_000));
        for (viewer, member) in [("eve", None), ("ann", None), ("ben", Some("ann"))] {
            let asked = asked(Some(viewer), member);
            let sql = asked.sql();
            assert_eq!(steps(&many, &sql, &asked, 0), steps(&few, &sql, &asked, 0), "{viewer} of {member:?}");
        }
        // The control: to ask of each whether it may be seen costs steps for each.
        let each = "SELECT chat FROM groups WHERE namespace = ?1 AND (private = 0
             OR EXISTS (SELECT 1 FROM members WHERE members.chat = groups.chat AND user_id = ?2))
             ORDER BY 1 DESC LIMIT ?4 OFFSET ?5";
        let asked = asked(Some("eve"), None);
        assert!(steps(&many, each, &asked, 0) > steps(&few, each, &asked, 0) + 5_000);
    }

    #[test]
    fn what_an_offset_passes_over_is_neither_read_nor_sorted() {
        let folder = tempfile::tempdir().expect("a folder");
        let connection = database(&folder, 0);
        let plan = |sql: &str, asked: &Asked| -> Vec<String> {
            let mut plan = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("a query");
            let params = params![asked.namespace, asked.viewer, asked.member, 100, 4_000];
            let lines = plan.query_map(params, |row| row.get(3)).expect("rows");
            lines.collect::<rusqlite::Result<_>>().expect("a plan")
        };
        for (viewer, index) in [(None, "groups_by_namespace"), (Some("eve"), "groups_public")] {
            let asked = asked(viewer, None);
            let plan = plan(&asked.sql(), &asked);
            let by_index = format!("USING COVERING INDEX {index}");
            assert!(plan.iter().any(|line| line.contains(&by_index)), "{plan:?}");
            assert!(plan.iter().all(|line| !line.contains("B-TREE")), "{plan:?}");
        }
        // The control: by what they are called they would have to be sorted, and read for that.
        let asked = asked(None, None);
        let by_name = asked.sql().replace("ORDER BY 1", "ORDER BY name");
        let plan = plan(&by_name, &asked);
        assert!(plan.iter().any(|line| line.contains("B-TREE")), "{plan:?}");
        assert!(plan.iter().all(|line| !line.contains("COVERING")), "{plan:?}");
    }
}
