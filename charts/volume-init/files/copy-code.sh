# Copies the application's code from its image into the code volume, one directory a version.
#
# A version is complete or not there at all: the copy is made under a name that nobody mounts, its marker is written last,
# and one rename shows it. Running again changes nothing. Earlier versions stay for the pods that still use them.
set -eu

marker=.code-version
target=$CODE_VOLUME/$CODE_VERSION

say() { echo "volume-init: $*"; }

is_complete() { [ "$(cat "$target/$marker" 2>/dev/null)" = "$CODE_VERSION" ]; }

make_directories() {
  for directory in "$@"; do
    [ -d "$directory" ] || mkdir -p "$directory"
  done
}

copy_code() {
  # What killed attempts left behind.
  rm -rf "$CODE_VOLUME"/.staging-*
  staging=$CODE_VOLUME/.staging-$HOSTNAME
  mkdir "$staging"
  say "copying $CODE_SOURCE as version $CODE_VERSION"
  cp -RPp "$CODE_SOURCE/." "$staging/"
  # The mount is read-only for most pods, so the places where they mount other volumes must exist.
  make_directories "$staging/var/cache" "$staging/var/data" "$staging/var/maintenance" \
    "$staging/var/multihost" "$staging/public/media"
  echo "$CODE_VERSION" >"$staging/$marker"
  if is_complete; then
    say "another attempt was faster"
    rm -rf "$staging"
    return
  fi
  # Without a marker it is a mount point the kubelet made for a pod that came too early, or a broken copy: no pod
  # passes check-code with it.
  rm -rf "$target"
  mv -T "$staging" "$target"
}

prune_versions() {
  [ "$KEEP_VERSIONS" -gt 0 ] || return 0
  # Newest first by the time of the marker, which every run for a version renews.
  ls -1t "$CODE_VOLUME"/*/"$marker" | tail -n "+$((KEEP_VERSIONS + 1))" | while read -r old; do
    directory=${old%/"$marker"}
    say "removing version ${directory##*/}, more than $KEEP_VERSIONS are here"
    # The marker goes first: half a version is no version.
    rm -f "$old"
    rm -rf "$directory" "$CACHE_VOLUME/${directory##*/}" || say "could not remove all of it"
  done
}

if is_complete; then
  say "version $CODE_VERSION is complete already"
  touch "$target/$marker"
else
  copy_code
fi
make_directories "$CACHE_VOLUME/$CODE_VERSION" "$STATE_VOLUME/maintenance" "$STATE_VOLUME/multihost"
prune_versions
say "versions on the volume: $(cd "$CODE_VOLUME" && echo *)"
