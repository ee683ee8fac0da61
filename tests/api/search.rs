//! Rule 23: what a search finds, the same on every database.

use sea_orm::ConnectionTrait;
use serde_json::json;

use test_support::{Fan, Server, text};

async fn titles(by: &Fan, search: &str) -> Vec<String> {
    let query = "query($s: String) { concerts(search: $s) { nodes { title } } }";
    let nodes = by.ask(query, json!({ "s": search })).await.field("concerts")["nodes"].clone();
    nodes.as_array().unwrap().iter().map(|node| text(&node["title"])).collect()
}

#[tokio::test]
async fn a_title_is_found_by_its_words_in_any_case_form_width_and_order() {
    let server = Server::start().await;
    let organizer = server.organizer();
    let anybody = server.stranger();
    for (title, kept, searches) in [
        (
            "Die Ärzte live",
            "Die Ärzte live",
            &["Ärzte", "ärzte", "A\u{308}RZTE", "live die", "RZT", "  ärzte\u{3000}LIVE "][..],
        ),
        ("Café Mu\u{308}ller ", "Café Müller", &["müller", "MU\u{308}LLER café"]),
        ("Große Straße", "Große Straße", &["STRASSE", "straße", "grosse"]),
        ("İstanbul Geceleri", "İstanbul Geceleri", &["istanbul", "İSTANBUL", "i\u{307}stanbul"]),
        ("ΜΟΥΣΙΚΗ ΟΔΟΣ", "ΜΟΥΣΙΚΗ ΟΔΟΣ", &["οδος", "μουσικη", "οδοσ"]),
        ("ﾎﾟｹﾓﾝ Ｌｉｖｅ", "ﾎﾟｹﾓﾝ Ｌｉｖｅ", &["ポケモン", "ﾎﾟｹﾓﾝ", "ｌｉｖｅ ポケ"]),
        (
            "\u{110b}\u{1162}\u{1102}\u{1175} 음악회",
            "애니 음악회",
            &["애니", "\u{110b}\u{1162}\u{1102}\u{1175}", "음악회 애니"],
        ),
        ("100% \\ a_b", "100% \\ a_b", &["100%", "\\", "_", "A_B 100"]),
        ("I ❤\u{fe0f} 👩\u{200d}🚀", "I ❤\u{fe0f} 👩\u{200d}🚀", &["❤", "👩\u{200d}🚀"]),
    ] {
        organizer.concert(title).await;
        for search in searches {
            let found = titles(&anybody, search).await;
            assert!(found.iter().any(|title| title == kept), "{search:?} does not find {kept:?}: {found:?}");
        }
    }
    for nothing in ["Arzte", "ärzte 음악회", "a%b", "1__%", "ab", "\\\\"] {
        assert_eq!(titles(&anybody, nothing).await, Vec::<String>::new(), "{nothing:?}");
    }
    for all in ["", "   ", "\u{200b}", "\u{3000}"] {
        assert_eq!(titles(&anybody, all).await.len(), 9, "{all:?}");
    }
}

/// Rows of a version that had no such column are found too, once the next one has started.
#[tokio::test]
async fn titles_that_were_there_before_are_found() {
    let server = Server::start().await;
    let organizer = server.organizer();
    for n in 0..3 {
        organizer.concert(&format!("Die Ärzte {n}")).await;
    }
    let database = server.services.database();
    database.reader().execute_unprepared("UPDATE concert SET search_text = NULL").await.unwrap();
    assert_eq!(titles(&server.stranger(), "ärzte").await.len(), 0);
    database.migrate().await.unwrap();
    server.was_changed();
    assert_eq!(titles(&server.stranger(), "ärzte").await.len(), 3);
}

#[tokio::test]
async fn a_search_with_too_many_words_is_refused_by_name() {
    let server = Server::start().await;
    let words = (0..11).map(|n| n.to_string()).collect::<Vec<_>>().join(" ");
    let query =
        "query($s: String, $a: String) { concerts(search: $s, first: 0, after: $a) { nodes { id } } }";
    let reply = server.stranger().ask(query, json!({ "s": words, "a": "no cursor" })).await;
    assert_eq!(reply.error(), "BAD_USER_INPUT");
    let paths: Vec<_> = reply.inputs().into_iter().map(|(path, _)| path).collect();
    assert_eq!(paths, ["first", "after", "search"]);
}
