# SPDX-License-Identifier: GPL-2.0
"""Defects of the original driver, as promises.rst has them: one boot each.

tests/xen/defects runs these on the original as well. What only a suite in the kernel
can provoke (L, M, N, P) is not among them.
"""

import domu
from report import Group
from scenarios import conformance


def case(program, name):
    """A program's case, in dom0, with the daemon or without."""
    command = f"/tests/{program} {conformance.DEVICE} {name}"

    def function(vm):
        found = conformance.results(vm.run(command, 400)[1])
        error = found.get(name, "no result")
        assert error is None, error
    return function


def before_a_suspend(name):
    """A case in a guest, whose suspend has to come to its end afterwards."""
    command = f"/tests/defects {conformance.DEVICE} {name}"

    def function(vm):
        vm.guest("pv", command)
        domu.save_and_restore(vm, "pv")
    return function


def traffic_goes_on(vm):
    """Each process gets replies: it has used some time since it was looked at."""
    ticks = "for pid in $(pidof defects); do sed 's/.*) //' /proc/$pid/stat; done" \
            " | awk '{ print $12 + $13 }'"
    before = sum(map(int, vm.guest("pv", ticks).split()))
    domu.wait(lambda: sum(map(int, vm.guest("pv", ticks).split())) > before, 60)


def under_load(vm):
    """Eight processes of steady_traffic_j go on while the guest is saved."""
    vm.guest("pv", f"(/tests/defects {conformance.DEVICE} steady_traffic_j "
                   ">/dev/null 2>&1 &)")
    traffic_goes_on(vm)
    domu.save_and_restore(vm, "pv")
    traffic_goes_on(vm)


def still_served(vm):
    """Others go on: a client of dom0 gets its answer."""
    out = vm.run("XENSTORED_PATH=/dev/xen/xenbus timeout 60 xenstore-list /", 90)[1]
    assert "local" in out, out


def register(letter, about, *functions, store="xenstored", guest=False):
    group = Group(f"defect-{letter}", about, long=True,
                  cmdline=f"store={store}")
    if guest:
        @group.step
        def create(vm):
            domu.disk(vm)
            domu.create(vm, "pv")
    for function in functions:
        title = "others are served" if function is still_served else about
        group.test(title)(function)


def by_program(letter, about, program, name):
    register(letter, about, case(program, name), still_served)


by_program("a", "a watch written behind pending requests stops nobody",
           "test_watch", "watch_behind_pending_requests_200_times")
by_program("b", "a request keeps its bytes when another is written",
           "test_write", "buffer_may_be_used_again_at_once")
register("c", "a file closed with a transaction open holds up no suspend",
         before_a_suspend("close_with_an_open_transaction_c"), guest=True)
register("d", "a transaction that is refused holds up no suspend",
         before_a_suspend("transaction_that_is_refused_d"), guest=True)
by_program("e", "an end of no transaction is answered, and refused",
           "test_txn", "end_of_transaction_zero_is_refused")
by_program("f", "a read of no bytes returns",
           "test_read", "read_of_nothing_takes_nothing")
by_program("g", "an event's header has no ids, and nothing of the stack",
           "test_watch", "events_have_no_ids")
by_program("h", "a client that is stuck in its memory stops no other",
           "defects", "client_stuck_in_its_memory_stops_no_other_h")
by_program("i", "each message of a write is sent",
           "test_write", "two_messages_in_one_write_are_both_answered")
register("j", "steady traffic does not postpone a suspend", under_load,
         guest=True)
register("k", "when the ring breaks, requests in flight are answered",
         case("defects", "broken_ring_answers_requests_in_flight_k"),
         store="none")
by_program("o", "what a client does not read is bounded",
           "defects", "replies_nobody_reads_are_bounded_o")
register("q", "after a message that is too long, requests are answered",
         case("defects", "message_that_is_too_long_stops_nobody_q"),
         store="none")
