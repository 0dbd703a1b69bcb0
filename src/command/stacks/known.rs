use super::Member;
use crate::cluster::Cluster;
use crate::runner::ports::{ObserveError, Observer};
use crate::runner::watch_objects;
use crate::snapshot::Contents;

/// What is known of the present revision of a release.
pub enum Known {
    /// Helm has no record.
    Nothing,
    Contents(Contents),
    Unreadable {
        revision: u32,
        why: String,
    },
}

impl Known {
    /// Of which revision that is.
    pub fn revision(&self) -> Option<u32> {
        match self {
            Known::Nothing => None,
            Known::Contents(contents) => Some(contents.revision),
            Known::Unreadable { revision, .. } => Some(*revision),
        }
    }

    /// What helm has applied and nothing is known of, a sentence each.
    pub fn unread(&self, member: &Member) -> Vec<String> {
        let Known::Contents(contents) = self else {
            return Vec::new();
        };
        let so = "its object is not looked at";
        let told = contents.unread.iter();
        told.map(|it| it.warning(&member.release, so)).collect()
    }

    /// Asks the cluster once, and watches what the release brings; nothing where there is no such revision.
    pub async fn read(cluster: &Cluster, member: &Member, revision: Option<u32>) -> Known {
        let Some(revision) = revision else {
            return Known::Nothing;
        };
        let (namespace, release) = (&member.namespace, &member.release);
        let read = async {
            let contents = cluster.contents(namespace, release, revision).await?;
            watch_objects(cluster, namespace, &contents.objects).await?;
            Ok::<_, ObserveError>(contents)
        };
        match read.await {
            Ok(contents) => Known::Contents(contents),
            Err(error) => Known::Unreadable {
                revision,
                why: error.to_string(),
            },
        }
    }
}
