#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# Who may include and mention what. The driver is layers, and it is the
# includes that keep them apart; see the design, or the table below.
# Prints every breach; status 1 if there is one.
set -u
cd "$(dirname "$0")/.." || exit 1
core=drivers/xen/xenstore
binding=drivers/xen/xenbus
loop=drivers/xen/xenstore_loop
status=0

breach() { echo "$*"; status=1; }

# found WHY PATTERN FILE...: every line that matches is a breach. A line of
# comment may say what code may not.
found() {
	local why=$1 pattern=$2 hits
	shift 2
	[ $# -gt 0 ] || return 0
	hits=$(grep -nHE -- "$pattern" "$@" | grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/?\*|//)') &&
		while read -r hit; do breach "$hit   <- $why"; done <<<"$hits"
}

# Core: a file may include its own header and those of the layers below it. A
# file LAYER_PART.c is part of LAYER.
declare -A below=(
	[wire]=""
	[ring]="wire"
	[request]="gate wire"
	[fq]="request"
	[gate]="wire"
	[transport]="wire"
	[conn]="stats fq request gate ring transport wire"
	[stats]="conn request"
	[trace]="conn"
	[send]="stats conn fq request gate ring transport wire"
	[receive]="stats conn fq request gate ring transport wire"
	[thread]="stats conn fq request gate ring transport wire"
	[irq]="stats conn fq request gate ring transport wire"
	[help]="stats conn fq request gate ring transport wire"
	[pump]="stats conn fq request gate ring transport wire"
	[ops]="conn request gate transport wire"
	[directory]="ops conn request gate transport wire"
	[transaction]="ops conn request gate transport wire"
	[queue]=""
	[watch]="queue ops conn request gate transport wire"
	[cache]="watch queue ops conn request gate transport wire"
	[suspend]="watch queue ops conn request gate transport wire"
	[session]="watch queue ops conn request gate transport wire"
	[debugfs]="watch queue stats conn"
)

# Binding: which headers of the core a file may include. The rest reaches the
# store through <xen/xenbus.h> alone, like any other driver.
declare -A core_for=(
	[xenbus_store]="debugfs ops cache watch queue session conn request gate transport wire"
	[api]="ops cache watch queue conn request wire"
	[batch]="ops conn request wire"
	[bus]="queue"
	[cdev]="session wire"
	[xen_transport]="ops transport conn"
)

# included FILE: the names, without .h or _types.h, that it includes with quotes
included() {
	sed -nE 's/^#[[:space:]]*include[[:space:]]+"([^"]+)\.h".*/\1/p' "$1" | sed 's/_types$//'
}

allow() { case " $1 " in *" $2 "*) return 0 ;; *) return 1 ;; esac; }

for file in "$core"/*.[ch]; do
	[ -e "$file" ] || continue
	own=$(basename "${file%.*}")
	[ -n "${below[$own]+known}" ] || own=${own%%_*}
	if [ -z "${below[$own]+known}" ]; then
		breach "$file: this layer is not in the table of $0"
		continue
	fi
	for name in $(included "$file"); do
		allow "$own ${below[$own]}" "$name" ||
			breach "$file includes $name.h   <- $own is not above $name"
	done
done

# The loop is a binding of its own, to nothing: it has a connection and
# sessions, and only its store.c knows so. Nobody knows the loop.
declare -A loop_for=(
	[loop]=""
	[store]="loop ../xenstore/session ../xenstore/debugfs"
	[evtchn]="loop"
	[privcmd]="loop"
	[proc]="loop"
)
for file in "$loop"/*.[ch]; do
	[ -e "$file" ] || continue
	own=$(basename "${file%.*}")
	for name in $(included "$file"); do
		allow "${loop_for[$own]-}" "$name" ||
			breach "$file includes $name.h   <- not in the table of $0"
	done
done

for file in "$binding"/*.[ch]; do
	[ -e "$file" ] || continue
	own=$(basename "${file%.*}")
	for name in $(included "$file" | sed -n 's|^\(.*/\)\?xenstore/||p'); do
		allow "${core_for[$own]-}" "$name" ||
			breach "$file includes $name.h of the core   <- not in the table of $0"
	done
done

shopt -s nullglob
core_files=("$core"/*.[ch])
core_all=("$core"/*.[ch] "$core"/*/*.[ch] "$loop"/*.[ch])
# The loop has to ask whether this is Xen after all.
core_but_client=()
for file in "${core_all[@]}"; do
	[ "$file" = "$loop/store.c" ] || core_but_client+=("$file")
done
all=("$core"/*.[ch] "$core"/*/*.[ch] "$binding"/*.[ch] "$binding"/*/*.[ch] include/xen/*.h include/trace/events/*.h)

found "the core does not know Xen's machinery" \
	'#[[:space:]]*include[[:space:]]*<(asm/xen/|xen/(events|grant_table|page|hvm|xen|xen-ops|features|balloon|platform_pci|xenbus_dev)\.h)' "${core_but_client[@]}"
found "the singleton belongs to xenbus_store.c" '\bxen_store_|\bxs_store\.' "${core_all[@]}"
found "version differences live in include/compat" 'LINUX_VERSION_CODE|KERNEL_VERSION' "${all[@]}"
found "nothing but tests knows tests" '\bif[[:space:]]*\([^)]*\btesting\b' "${core_files[@]}" "$binding"/*.[ch]

# Waiting is where deadlocks are made; it happens in seven files. In the loop,
# only a reader of /dev/xen/evtchn waits, who is a daemon.
for file in "$core"/*.c "$binding"/*.c; do
	case $file in "$core"/request.c|"$core"/gate.c|"$core"/thread.c|"$core"/help.c|"$core"/queue.c|"$core"/session.c|"$core"/transaction.c) continue ;; esac
	case $file in "$binding"/*) continue ;; esac
	found "wait_event belongs to request, gate, thread, help, transaction, queue and session" '\bwait_event' "$file"
done
for file in "$loop"/*.c; do
	[ "$file" != "$loop/evtchn.c" ] || continue
	found "wait_event belongs to evtchn" '\bwait_event' "$file"
done

# State of the core belongs to its objects. Outside functions there may be
# constants, slab caches and static keys only.
for file in "$core"/*.c; do
	awk -v file="$file" '
		function breach(why) { print file ":" NR ": " $0 "   <- " why; bad = 1 }
		/^(EXPORT_|MODULE_|DEFINE_STATIC_KEY|module_|TRACE_|KUNIT|VISIBLE_IF)/ { next }
		/^static (DEFINE_|LIST_HEAD|DECLARE_|atomic)/ || /^(DEFINE_|LIST_HEAD\(|DECLARE_)/ {
			if ($0 !~ /STATIC_KEY|SHOW_ATTRIBUTE|SEQ_ATTRIBUTE|DEFINE_FREE|DEFINE_GUARD|DEFINE_LOCK_GUARD|DEFINE_CLASS/)
				breach("file-scope state in the core"); next }
		/^[a-z].*[;=]$|^[a-z].*= / && !/[()]/ {
			if ($0 !~ /(^| )const |kmem_cache|^(extern|typedef|struct [a-z_]+;|enum [a-z_]+;)/)
				breach("file-scope state in the core") }
		/^[ \t]+static / && !/ const |lock_class_key/ { breach("state of a function in the core") }
		END { exit bad }' "$file" || status=1
done
exit $status
