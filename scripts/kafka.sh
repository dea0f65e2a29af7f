#!/usr/bin/env bash
# A real Apache Kafka for tests and for trying, without Docker: one broker in KRaft mode on loopback.
#
#   scripts/kafka.sh up       fetch (once), format, start; prints the address on standard output
#   scripts/kafka.sh down     stop it and take its data away; KEEP=1 keeps the data
#   scripts/kafka.sh status   exit 0 and the address if it runs
#
# UNTIL=PID stops it by itself when that process has ended, for tests, which have no last act.
# PORT=19092 (the controller takes the next one), KAFKA_HEAP=1g. The jars come from Maven into the cache outside the
# checkout, beside what native.sh keeps. Only the process named in the pid file is ever stopped, and only if it still is ours.
set -euo pipefail
cd "$(dirname "$0")/.."
self=$PWD/scripts/kafka.sh

version=4.3.1
port=${PORT:-19092}
heap=${KAFKA_HEAP:-1g}
cache=${CAMPANILE_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/campanile}/kafka/$version
home=${KAFKA_HOME_DIR:-${TMPDIR:-/tmp}/campanile-kafka-$(id -u)-$port}
address=127.0.0.1:$port

say() { printf 'kafka: %s\n' "$*" >&2; }

# Whether the process of the pid file lives and is the broker that was started on this directory.
is_ours() {
  local pid
  pid=$(cat "$home/pid" 2>/dev/null) || return 1
  tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF "kafka.Kafka $home/server.properties"
}

need() {
  if ! command -v "$1" >/dev/null 2>&1; then
    say "$1 is missing; on Debian: apt-get install $2"
    exit 2
  fi
}

# Whether somebody listens. A broker opens its door only when it can serve.
is_open() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

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

# Settings: LEDGER 2 and what one broker needs. Auto-creation would make topics with settings nobody chose.
write_settings() {
  mkdir -p "$home/data"
  cat >"$home/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$((port + 1))
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://$address,CONTROLLER://127.0.0.1:$((port + 1))
advertised.listeners=PLAINTEXT://$address
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
log.dirs=$home/data
auto.create.topics.enable=false
log.message.timestamp.type=LogAppendTime
default.replication.factor=1
min.insync.replicas=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
transaction.abort.timed.out.transaction.cleanup.interval.ms=1000
group.initial.rebalance.delay.ms=0
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=16777216
PROPERTIES
  cat >"$home/log4j2.properties" <<'LOGGING'
status=error
appender.out.type=Console
appender.out.name=out
appender.out.layout.type=PatternLayout
appender.out.layout.pattern=%d{HH:mm:ss,SSS} %p %c{1} %m%n
rootLogger.level=warn
rootLogger.appenderRef.out.ref=out
LOGGING
}

up() {
  if is_ours; then
    say "already running on $address, pid $(cat "$home/pid")"
    echo "$address"
    return
  fi
  if [ "${BROKERS:-1}" != 1 ]; then
    say "BROKERS=$BROKERS: only one broker is supported so far"
    exit 64
  fi
  need java default-jre-headless
  fetch
  if is_open; then
    say "something else listens on $address; choose another with PORT="
    exit 1
  fi
  write_settings
  local classpath="$cache/libs/*" logging=-Dlog4j2.configurationFile=$home/log4j2.properties
  : >"$home/log"
  if [ ! -e "$home/data/meta.properties" ]; then
    if ! java -Xmx256m "$logging" -cp "$classpath" kafka.tools.StorageTool format \
      -t Y2FtcGFuaWxlLXRlc3RzMA -c "$home/server.properties" >>"$home/log" 2>&1; then
      tail -n 20 "$home/log" >&2
      say "the data directory could not be formatted; the last lines are above"
      exit 1
    fi
  fi
  # A session of its own, so that Ctrl-C in the terminal that started it does not end it.
  setsid java "-Xmx$heap" -XX:+UseSerialGC "$logging" -Dkafka.logs.dir="$home" -cp "$classpath" \
    kafka.Kafka "$home/server.properties" >>"$home/log" 2>&1 </dev/null &
  echo $! >"$home/pid"
  local ticks=0
  until is_open; do
    sleep 0.1
    ticks=$((ticks + 1))
    if ! is_ours && [ $ticks -gt 10 ] || [ $ticks -gt 600 ]; then
      tail -n 20 "$home/log" >&2
      say "the broker did not start; the last lines of its log are above"
      exit 1
    fi
  done
  if [ -n "${UNTIL:-}" ]; then setsid "$self" watch >/dev/null 2>&1 </dev/null & fi
  say "Apache Kafka $version on $address, pid $(cat "$home/pid"), log $home/log, $SECONDS s"
  echo "$address"
}

# Waits for a process that is not our child, then stops the broker.
watch() {
  while kill -0 "$UNTIL" 2>/dev/null && is_ours; do sleep 0.5; done
  down
}

down() {
  local pid
  if ! is_ours; then
    say "no broker of ours on $address"
  else
    pid=$(cat "$home/pid")
    kill "$pid"
    for _ in $(seq 100); do
      if ! is_ours; then break; fi
      sleep 0.1
    done
    if is_ours; then
      say "pid $pid does not end; killing it"
      kill -9 "$pid"
    fi
    say "stopped"
  fi
  if [ -z "${KEEP:-}" ]; then rm -rf "$home"; fi
}

case "${1:-}" in
  up) up ;;
  down) down ;;
  watch) watch ;;
  status)
    if is_ours; then echo "$address"; else say "not running on $address"; exit 1; fi
    ;;
  *)
    echo "usage: scripts/kafka.sh up|down|status" >&2
    exit 64
    ;;
esac
