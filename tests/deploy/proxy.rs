//! deploy/nginx.conf against compose.yaml: [`crate::whole`] runs it.

use crate::compose::{Compose, file, strings};

#[test]
fn the_proxy_knows_every_process_at_its_address() {
    let (compose, settings) = (Compose::any(), file("deploy/nginx.conf"));
    let asked: Vec<_> = settings.lines().filter_map(|line| line.trim().strip_prefix("server ")).collect();
    let asked: Vec<_> =
        asked.into_iter().filter_map(|line| line.split_once(":8080 ").map(|(name, _)| name)).collect();
    assert_eq!(asked, compose.processes());
    let hosts: Vec<_> = compose
        .processes()
        .into_iter()
        .map(|name| {
            let network = &compose.service(name)["networks"]["default"];
            format!("{name}:{}", network["ipv4_address"].as_str().unwrap())
        })
        .collect();
    assert_eq!(hosts, strings(&compose.service("proxy")["extra_hosts"]));
}

#[test]
fn the_processes_believe_this_proxy_and_nobody_else() {
    let (compose, settings) = (Compose::any(), file("deploy/nginx.conf"));
    let address = compose.service("proxy")["networks"]["default"]["ipv4_address"].as_str().unwrap();
    for process in compose.processes() {
        assert_eq!(compose.service(process)["environment"]["FRONTROW_TRUSTED_PROXIES"], address);
    }
    // What the client says of itself is not passed on in either form.
    assert!(settings.contains("proxy_set_header X-Forwarded-For $remote_addr;"));
    assert!(settings.contains("proxy_set_header Forwarded \"\";"));
}
