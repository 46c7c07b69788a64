#!/usr/bin/env bash
# Pushes with curl as ../README.md says; what curl can't know (base64 for odd values) is done by hand.
set -u

metrics() {
  case $1 in
    all) cat "$(dirname "$(readlink -f "$0")")/all.prom" ;;
    none) ;;
    *) printf '# HELP %s One gauge\n# TYPE %s gauge\n%s 1\n' "$1" "$1" "$1" ;;
  esac
}

# segment NAME VALUE: the two path segments of a label, URL-safe base64 whatever the value.
segment() {
  printf '/%s@base64/=%s' "$1" "$(printf %s "$2" | base64 -w0 | tr '+/' '-_')" | sed 's,/=\(.\),/\1,'
}

perform() {
  local verb=$1 form=$2 which=$3 url label arguments=(-sS --fail-with-body -o /dev/null)
  url=http://$gateway/metrics$(segment job "$4")
  for label in "${@:5}"; do url+=$(segment "${label%%=*}" "${label#*=}"); done
  case $verb in
    delete) curl "${arguments[@]}" -X DELETE "$url"; return ;;
    post) arguments+=(-X POST) ;;
    put) arguments+=(-X PUT) ;;
  esac
  if [ "$form" = gzip ]; then
    metrics "$which" | gzip | curl "${arguments[@]}" -H 'Content-Encoding: gzip' --data-binary @- "$url"
  else
    metrics "$which" | curl "${arguments[@]}" --data-binary @- "$url"
  fi && metrics "$which"
}

gateway=$1
while IFS= read -r line; do
  mapfile -d $'\t' -t fields < <(printf %s "$line")
  if perform "${fields[@]}" 2>&1; then echo "done"; else echo "failed: curl ended with $?"; fi
done
