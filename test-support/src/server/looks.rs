//! What a server in this process shows beside its API, and what no client can see of it.

use frontrow::service::versions::Source;
use sea_orm::{ConnectionTrait, Statement};

use super::Server;

impl Server {
    /// Gets a page that is not GraphQL.
    pub async fn get(&self, path: &str) -> serde_json::Value {
        self.page(path, None).await.json().await.unwrap()
    }

    /// Gets a page unless it is the one that `known` is the tag of.
    pub async fn page(&self, path: &str, known: Option<&str>) -> reqwest::Response {
        self.client.get(path, known).await
    }

    /// How many rows there are: of a table, with a condition if wanted.
    pub async fn count(&self, what: &str) -> i64 {
        let reader = self.services.database().reader();
        let query =
            Statement::from_string(reader.get_database_backend(), format!("SELECT COUNT(*) FROM {what}"));
        reader.query_one_raw(query).await.unwrap().unwrap().try_get_by_index(0).unwrap()
    }

    /// A statement past the server.
    pub async fn run(&self, statement: &str) {
        let tx = self.services.database().begin().await.unwrap();
        tx.execute_unprepared(statement).await.unwrap();
        tx.commit().await.unwrap();
        self.was_changed();
    }

    /// Something was changed past the server, which then knows nothing of it: what it remembers of lists is not so any more.
    pub fn was_changed(&self) {
        self.services.versions().changed(Source::Catalogue);
    }

    /// What the books say: a line for each violated rule.
    pub async fn audit(&self) -> Vec<String> {
        frontrow::store::audit::audit(self.services.database()).await.unwrap()
    }
}
