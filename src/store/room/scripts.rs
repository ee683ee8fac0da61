//! The scripts of the waiting rooms: each is one atomic transition.

use std::sync::LazyLock;

use redis::Script;

macro_rules! scripts {
    ($($(#[doc = $doc:literal])+ $name:ident = $file:literal),* $(,)?) => {
        $(
            $(#[doc = $doc])+
            pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
                Script::new(concat!(include_str!("scripts/prelude.lua"), "\n", include_str!(concat!("scripts/", $file))))
            });
        )*
    };
}

scripts! {
    /// What is to be done now; changes nothing that can be seen.
    DECIDE = "decide.lua",
    /// Takes a journaled decision in.
    APPLY = "apply.lua",
    /// Signs of life.
    HEAR = "hear.lua",
    /// What is to be seen of places.
    LOOK = "look.lua",
    /// What the sale did to admitted places.
    REPORT = "report.lua",
    /// What the organiser or the sale has changed.
    SETTINGS = "settings.lua",
    /// The room anew.
    REBUILD = "rebuild.lua",
}
