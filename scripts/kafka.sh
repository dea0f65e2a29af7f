#!/usr/bin/env bash
# A real Apache Kafka for tests and for trying, without Docker: one or three brokers in KRaft mode on loopback.
#
#   scripts/kafka.sh up         fetch (once), format, start; prints the addresses on standard output
#   scripts/kafka.sh down       stop it and take its data away; KEEP=1 keeps the data
#   scripts/kafka.sh status     exit 0 and the addresses if all of it runs
#   scripts/kafka.sh kill N     SIGKILL for broker N, counted from 1, as a crash
#   scripts/kafka.sh start N    starts broker N again on its data
#   scripts/kafka.sh pid N      its process, for a test that stops and continues it
#
# BROKERS=1, or 3: replication 3, min.insync.replicas 2, so that one broker may be lost. `down` and `status` remember it.
# UNTIL=PID stops it by itself when that process has ended, for tests, which have no last act.
# PORT=19092: broker N listens on PORT + 2 (N - 1), its controller on the next. KAFKA_HEAP=1g, of each broker.
# HOST=127.0.0.1: the address that it listens on and tells clients.
# BEHIND=PORT:PROXY: one broker also listens on PORT and tells whoever comes in there that it is at PROXY, where a proxy of
# the caller's stands between.
# The jars come from Maven into the cache outside the checkout, beside what native.sh keeps. Only a process named in a pid
# file is ever stopped, and only if it still is ours.
set -euo pipefail
cd "$(dirname "$0")/.."
self=$PWD/scripts/kafka.sh

version=4.3.1
port=${PORT:-19092}
host=${HOST:-127.0.0.1}
behind=${BEHIND:-}
heap=${KAFKA_HEAP:-1g}
cache=${CAMPANILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/campanile}/kafka/$version
home=${KAFKA_HOME_DIR:-${TMPDIR:-/tmp}/campanile-kafka-$(id -u)-$port}
brokers=${BROKERS:-$(cat "$home/brokers" 2>/dev/null || echo 1)}

say() { printf 'kafka: %s\n' "$*" >&2; }

# Where broker $1 keeps everything; the first one's place is around the others'.
place() { if [ "$1" = 1 ]; then echo "$home"; else echo "$home/$1"; fi; }
port_of() { echo $((port + 2 * ($1 - 1))); }
controller_of() { echo $((port + 2 * ($1 - 1) + 1)); }

# addresses FUNCTION: host:port of every broker, by the function that gives a port.
addresses() {
  local n list=()
  for n in $(seq "$brokers"); do list+=("$host:$("$1" "$n")"); done
  (IFS=, && echo "${list[*]}")
}

# Whether the process of broker $1's pid file lives and is the broker that was started on its directory.
is_ours() {
  local pid directory
  directory=$(place "$1")
  pid=$(cat "$directory/pid" 2>/dev/null) || return 1
  { tr '\0' ' ' <"/proc/$pid/cmdline"; } 2>/dev/null | grep -qF "kafka.Kafka $directory/server.properties"
}

all_are_ours() {
  local n
  for n in $(seq "$brokers"); do is_ours "$n" || return 1; done
}

need() {
  if ! command -v "$1" >/dev/null 2>&1; then
    say "$1 is missing; on Debian: apt-get install $2"
    exit 2
  fi
}

# Whether somebody listens. A broker opens its door only when it can serve.
is_open() { (exec 3<>"/dev/tcp/$host/$1") 2>/dev/null; }

# The broker and its tools, complete or not at all.
fetch() {
  if [ -e "$cache/complete" ]; then return; fi
  need mvn maven
  need java default-jre-headless
  local work
  mkdir -p "$(dirname "$cache")"
  work=$(mktemp -d "$(dirname "$cache")/.fetch-XXXXXX")
  trap 'rm -rf "$work"' EXIT
  say "fetching Apache Kafka $version once, into $cache (about a minute)"
  cat >"$work/pom.xml" <<POM
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>campanile</groupId><artifactId>broker</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka-tools</artifactId><version>$version</version></dependency>
    <!-- Kafka's distribution adds the binding; its artefacts do not, and the broker would be mute. -->
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>2.25.4</version></dependency>
  </dependencies>
</project>
POM
  if ! mvn -B -q -f "$work/pom.xml" dependency:copy-dependencies -DincludeScope=runtime \
    -DoutputDirectory="$work/libs" >"$work/log" 2>&1; then
    tail -n 20 "$work/log" >&2
    say "Maven could not fetch it; its last lines are above"
    exit 1
  fi
  rm -rf "$cache"
  mkdir -p "$cache"
  mv "$work/libs" "$cache/libs"
  : >"$cache/complete"
  trap - EXIT
  rm -rf "$work"
  say "fetched: $(find "$cache/libs" -name '*.jar' | wc -l) jars, $SECONDS s"
}

# Settings of broker $1. Auto-creation would make topics with settings nobody chose.
write_settings() {
  local n=$1 directory address voters=() in_sync=1 other second='' seen='' protocol=''
  directory=$(place "$n")
  address=$host:$(port_of "$n")
  for other in $(seq "$brokers"); do voters+=("$other@$host:$(controller_of "$other")"); done
  if [ -n "$behind" ]; then
    second=,BEHIND://$host:${behind%:*} seen=,BEHIND://$host:${behind#*:} protocol=,BEHIND:PLAINTEXT
  fi
  if [ "$brokers" -ge 3 ]; then in_sync=2; fi
  mkdir -p "$directory/data"
  cat >"$directory/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$(IFS=, && echo "${voters[*]}")
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$address,CONTROLLER://$host:$(controller_of "$n")$second
advertised.listeners=PLAINTEXT://$address$seen
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT$protocol
log.dirs=$directory/data
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
default.replication.factor=$brokers
min.insync.replicas=$in_sync
offsets.topic.replication.factor=$brokers
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=$brokers
transaction.state.log.min.isr=$in_sync
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
share.coordinator.state.topic.replication.factor=$brokers
share.coordinator.state.topic.min.isr=$in_sync
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
  cat >"$directory/log4j2.properties" <<'LOGGING'
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss,SSS} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
LOGGING
}

# Formats broker $1's data, if it has none, and starts it.
launch() {
  local n=$1 directory classpath="$cache/libs/*" logging
  directory=$(place "$n")
  logging=-Dlog4j2.configurationFile=$directory/log4j2.properties
  if [ ! -e "$directory/data/meta.properties" ]; then
    : >"$directory/log"
    if ! java -Xmx256m "$logging" -cp "$classpath" kafka.tools.StorageTool format \
      -t Y2FtcGFuaWxlLXRlc3RzMA -c "$directory/server.properties" >>"$directory/log" 2>&1; then
      tail -n 20 "$directory/log" >&2
      say "the data directory could not be formatted; the last lines are above"
      exit 1
    fi
  fi
  # A session of its own, so that Ctrl-C in the terminal that started it does not end it.
  setsid java "-Xmx$heap" -XX:+UseSerialGC "$logging" -Dkafka.logs.dir="$directory" -cp "$classpath" \
    kafka.Kafka "$directory/server.properties" >>"$directory/log" 2>&1 </dev/null &
  echo $! >"$directory/pid"
}

# Waits until broker $1 serves.
await() {
  local n=$1 ticks=0 directory
  directory=$(place "$n")
  until is_open "$(port_of "$n")"; do
    sleep 0.1
    ticks=$((ticks + 1))
    if ! is_ours "$n" && [ $ticks -gt 10 ] || [ $ticks -gt 600 ]; then
      tail -n 20 "$directory/log" >&2
      say "broker $n did not start; the last lines of its log are above"
      exit 1
    fi
  done
}

up() {
  local n
  if all_are_ours; then
    say "already running on $(addresses port_of)"
    addresses port_of
    return
  fi
  if [ "$brokers" != 1 ] && [ "$brokers" != 3 ]; then
    say "BROKERS=$brokers: one or three"
    exit 64
  fi
  need java default-jre-headless
  fetch
  for n in $(seq "$brokers"); do
    if is_open "$(port_of "$n")"; then
      say "something else listens on $host:$(port_of "$n"); choose another with PORT="
      exit 1
    fi
  done
  mkdir -p "$home"
  echo "$brokers" >"$home/brokers"
  for n in $(seq "$brokers"); do
    write_settings "$n"
    launch "$n"
  done
  for n in $(seq "$brokers"); do await "$n"; done
  if [ -n "${UNTIL:-}" ]; then setsid "$self" watch >/dev/null 2>&1 </dev/null & fi
  say "Apache Kafka $version on $(addresses port_of), log $home/log, $SECONDS s"
  addresses port_of
}

# One broker, by its number.
known() {
  if ! [[ "${1:-}" =~ ^[1-9]$ ]] || [ "$1" -gt "$brokers" ]; then
    say "brokers are numbered 1 to $brokers"
    exit 64
  fi
}

# Waits for a process that is not our child, then stops the broker.
watch() {
  while kill -0 "$UNTIL" 2>/dev/null && { [ -e "$home/brokers" ]; }; do sleep 0.5; done
  down
}

# All at once: with one after the other the last would wait for a quorum that is gone.
down() {
  local n
  for n in $(seq "$brokers"); do
    if is_ours "$n"; then kill "$(cat "$(place "$n")/pid")"; else say "no broker of ours on $host:$(port_of "$n")"; fi
  done
  for _ in $(seq 100); do
    if ! any_is_ours; then break; fi
    sleep 0.1
  done
  for n in $(seq "$brokers"); do
    if is_ours "$n"; then
      # The controllers of three end one before the other, and the last finds nobody to hand over to.
      say "broker $n does not end within 10 s; killing it"
      kill -9 "$(cat "$(place "$n")/pid")"
    fi
  done
  say "stopped"
  if [ -z "${KEEP:-}" ]; then rm -rf "$home"; else rm -f "$home/brokers"; fi
}

any_is_ours() {
  local n
  for n in $(seq "$brokers"); do
    if is_ours "$n"; then return; fi
  done
  return 1
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  watch) watch ;;
  status)
    if all_are_ours; then addresses port_of; else say "not running on $(addresses port_of)"; exit 1; fi
    ;;
  kill)
    known "${2:-}"
    if is_ours "$2"; then kill -9 "$(cat "$(place "$2")/pid")"; else say "broker $2 does not run"; exit 1; fi
    ;;
  start)
    known "${2:-}"
    if is_ours "$2"; then
      say "broker $2 runs already"
    else
      launch "$2"
      await "$2"
    fi
    ;;
  pid)
    known "${2:-}"
    if is_ours "$2"; then cat "$(place "$2")/pid"; else say "broker $2 does not run"; exit 1; fi
    ;;
  *)
    echo "usage: scripts/kafka.sh up|down|status | kill|start|pid N" >&2
    exit 64
    ;;
esac
