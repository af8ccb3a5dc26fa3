#!/bin/bash
# SPDX-License-Identifier: GPL-2.0
#
# What may include and mention what. The driver is layers, and the includes keep
# them apart; see the design, or the tables below.
# Prints every breach; status 1 if there is one.
#
# shellcheck disable=SC2034  # the tables are used by name
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

# Core: a file may include its own header and those that stand here. A file
# LAYER_PART.c without an entry of its own is part of LAYER.
leaves="gfp wire ring msg gate quota request fq transport stats transaction_types"
declare -A core_table=(
	[gfp]=""
	[wire]=""
	[ring]="wire"
	[gate]=""
	[quota]=""
	[transport]="wire"
	[stats]="wire"
	[transaction_types]="request msg gate gfp wire"
	[msg]="gfp wire"
	[request]="msg gate gfp wire"
	[fq]="request"
	[conn]="$leaves"
	# What the connection is inside; nothing else may look.
	[conn_internal]="conn $leaves"
	[conn.c]="conn_internal conn $leaves"
	[tx]="conn_internal conn $leaves"
	[rx]="conn_internal conn $leaves"
	[io]="conn_internal conn $leaves"
	[lost]="conn_internal conn $leaves"
	[reconnect]="conn_internal conn $leaves"
	[stall]="conn $leaves"
	[trace]="conn"
	[call]="conn $leaves"
	[transaction]="call conn $leaves"
	[ops]="transaction call conn $leaves"
	[directory]="ops call conn $leaves"
	[queue]=""
	[watch]="queue conn $leaves"
	[watch_sync]="watch queue call conn $leaves"
	[store]="watch queue stall transaction conn $leaves"
	[session]="store watch queue conn $leaves"
	[debugfs]="store watch queue conn $leaves"
)

# The Xen binding: its own headers and those of the core. Files that are not
# here reach the store through <xen/xenbus.h> alone, like any other driver.
declare -A binding_table=(
	[xenbus_store]="../xenstore/store ../xenstore/stall ../xenstore/debugfs"
	[xen_transport]="xenbus_store bus ../xenstore/ops"
	[xen_transport_next]="xen_transport xenbus_store"
	[api]="xenbus_store ../xenstore/ops"
	[batch]="xenbus_store ../xenstore/call"
	[cdev]="xenbus_store ../xenstore/session"
	[cdev_backend]="xen_transport xenbus_store"
	[bus]="../xenstore/queue"
	[bus.c]="bus xenbus_store"
	[bus_walk]="bus"
	[bus_table]="bus"
	[bus_device]="bus"
	[bus_remove]="bus"
	[bus_backend]="bus"
	[bus_frontend]="bus xen_transport"
	[device_state]="bus xenbus_store"
	[device_ring]=""
)

# The loop is a binding of its own, to nothing: it has a store and sessions, and
# only its store.c knows so. Nothing else includes the loop.
declare -A loop_table=(
	[loop]=""
	[store]="loop ../xenstore/session ../xenstore/stall ../xenstore/debugfs"
	[evtchn]="loop"
	[privcmd]="loop"
	[proc]="loop"
)

# included FILE: the names, without .h, that it includes with quotes
included() {
	sed -nE 's/^[[:space:]]*#[[:space:]]*include[[:space:]]+"([^"]+)\.h".*/\1/p' "$1"
}

allow() { case " $1 " in *" $2 "*) return 0 ;; *) return 1 ;; esac; }

# layers DIRECTORY TABLE: every include of DIRECTORY's files is in TABLE
layers() {
	local -n table=$2
	local file own name
	for file in "$1"/*.[ch]; do
		[ -e "$file" ] || continue
		own=$(basename "$file")
		[ -n "${table[$own]+known}" ] || own=${own%.*}
		[ -n "${table[$own]+known}" ] || own=${own%%_*}
		if [ -z "${table[$own]+known}" ]; then
			breach "$file: this layer is not in the table of $0"
			continue
		fi
		for name in $(included "$file"); do
			allow "${own%.c} ${table[$own]}" "$name" ||
				breach "$file includes $name.h   <- $own is not above $name"
		done
	done
}

# acyclic TABLE: the tables themselves are layers and not a circle
acyclic() {
	local -n table=$1
	local own name circle
	circle=$(for own in "${!table[@]}"; do
		for name in ${table[$own]}; do echo "$own $name"; done
	done | tsort 2>&1 >/dev/null) || breach "$1 of $0: $circle"
}

layers "$core" core_table
layers "$binding" binding_table
layers "$loop" loop_table
acyclic core_table
acyclic binding_table
acyclic loop_table

shopt -s nullglob
core_files=("$core"/*.[ch])
core_all=("$core"/*.[ch] "$core"/*/*.[ch] "$loop"/*.[ch])
# The loop has to ask whether this is Xen after all.
xen_free=()
for file in "${core_all[@]}"; do
	[ "$file" = "$loop/store.c" ] || xen_free+=("$file")
done
all=("$core"/*.[ch] "$core"/*/*.[ch] "$binding"/*.[ch] "$binding"/*/*.[ch] include/xen/*.h include/trace/events/*.h)

found "the core does not know Xen's machinery" \
	'#[[:space:]]*include[[:space:]]*[<"](asm/xen/|xen/(events|grant_table|page|hvm|xen|xen-ops|features|balloon|platform_pci|xenbus_dev)\.h)' "${xen_free[@]}"
found "the core does not know the singleton" '\bxen_store_|\bxenbus_(store|singleton)\b' "${core_all[@]}"
others=()
for file in "${all[@]}"; do
	[ "$file" = "$binding/xenbus_store.c" ] || others+=("$file")
done
found "the singleton belongs to xenbus_store.c" '\bxenbus_singleton\b' "${others[@]}"
found "version differences live in include/compat" 'LINUX_VERSION_CODE|KERNEL_VERSION' "${all[@]}"
found "nothing but tests knows tests" '\bif[[:space:]]*\([^)]*\btesting\b' "${core_files[@]}" "$binding"/*.[ch]

# Waiting is where deadlocks are made, so few files do it.
waits() {
	local dir=$1 allowed=$2 file
	for file in "$dir"/*.c; do
		allow "$allowed" "$(basename "$file" .c)" ||
			found "wait_event belongs to $allowed" '\bwait_event' "$file"
	done
}
waits "$core" "io request gate queue transaction session session_limit"
waits "$binding" "bus_frontend"
waits "$loop" "evtchn"

# One lock and no barrier of its own keep a connection understandable.
lockless=()
for file in "${core_files[@]}"; do
	[ "$file" = "$core/ring.c" ] || lockless+=("$file")
done
found "barriers belong to ring.c" '\b((smp|virt|dma)_)?[rw]?mb\(|\bsmp_mb__|\bbarrier\(' "${lockless[@]}"
locks=$(sed -n '/^struct xs_conn {/,/^};/p' "$core/conn.h" |
	grep -cE '\b(raw_)?(spin|rw|seq)lock_t\b|\bstruct (mutex|semaphore|rw_semaphore)\b')
[ "$locks" -eq 1 ] || breach "$core/conn.h: struct xs_conn has $locks locks   <- one is enough"

# State of the core belongs to its objects. Outside functions there may be
# constants, slab caches, workqueues and static keys only.
for file in "$core"/*.c; do
	awk -v file="$file" '
		function breach(why) { print file ":" NR ": " $0 "   <- " why; bad = 1 }
		/^(EXPORT_|MODULE_|DEFINE_STATIC_KEY|module_|TRACE_|KUNIT|VISIBLE_IF)/ { next }
		/^static (DEFINE_|LIST_HEAD|DECLARE_|atomic)/ || /^(DEFINE_|LIST_HEAD\(|DECLARE_)/ {
			if ($0 !~ /STATIC_KEY|SHOW_ATTRIBUTE|SEQ_ATTRIBUTE|DEBUGFS_ATTRIBUTE|DEFINE_FREE|DEFINE_GUARD|DEFINE_LOCK_GUARD|DEFINE_CLASS/)
				breach("file-scope state in the core"); next }
		/^[a-z].*[;=]$|^[a-z].*= / && !/[()]/ {
			if ($0 !~ /(^| )const |kmem_cache|workqueue_struct|^(extern|typedef|struct [a-z_]+;|enum [a-z_]+;)/)
				breach("file-scope state in the core") }
		/^[ \t]+static / && !/ const |lock_class_key/ { breach("state of a function in the core") }
		END { exit bad }' "$file" || status=1
done
exit $status
