# What the scripts beside this one share: finding and installing PostgreSQL and Redis, and free ports.

# Where Debian keeps the server's programs, the newest version first.
for postgres_bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
  PATH=$PATH:$postgres_bin
done

# Installs Debian's packages if one of the two is missing.
ensure_services() {
  if command -v initdb >/dev/null && command -v redis-server >/dev/null; then
    return
  fi
  install_packages "postgresql redis-server" "the tests need PostgreSQL and Redis" || return
  for postgres_bin in $(printf '%s\n' /usr/lib/postgresql/*/bin | sort -rV); do
    PATH=$PATH:$postgres_bin
  done
}

# Installs Debian's packages, without starting the machine's own instances: PACKAGES WHY.
install_packages() {
  if [[ $EUID -ne 0 ]] || ! command -v apt-get >/dev/null; then
    echo "$2: apt-get install $1" >&2
    return 1
  fi
  echo "$2: installing Debian's $1" >&2
  # Debian's way to say that a package must not start its service.
  local policy=/usr/sbin/policy-rc.d made= status=0
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    made=yes
  fi
  # shellcheck disable=SC2086  # the packages are words
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $1; } >&2 \
    || status=$?
  [[ -z $made ]] || rm "$policy"
  return "$status"
}

# A port that may be free; whoever takes it has to be ready for a no.
some_port() {
  echo $((20000 + (RANDOM * 32768 + RANDOM) % 12000))
}
