// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of the gate.
 *
 * Whether somebody would have to wait is asked with xs_gate_try_enter(), so
 * that no test depends on how fast a thread gets there. Threads are used where
 * a sleeper has to be woken.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <kunit/test.h>

#include "fake_conn.h"
#include "gate.h"

static int gate_init(struct kunit *test)
{
	struct xs_gate *gate;

	gate = kunit_kzalloc(test, sizeof(*gate), GFP_KERNEL);
	if (!gate)
		return -ENOMEM;
	xs_gate_init(gate);
	test->priv = gate;
	return 0;
}

struct gate_kind_case {
	const char *name;
	enum xs_gate_kind kind;
};

static const struct gate_kind_case gate_kind_cases[] = {
	{ "request", XS_GATE_REQUEST },
	{ "start", XS_GATE_START },
	{ "nested", XS_GATE_NESTED },
};

KUNIT_ARRAY_PARAM_DESC(gate_kind, gate_kind_cases, name);

static const struct gate_kind_case gate_waiting_cases[] = {
	{ "request", XS_GATE_REQUEST },
	{ "start", XS_GATE_START },
};

KUNIT_ARRAY_PARAM_DESC(gate_waiting, gate_waiting_cases, name);

static enum xs_gate_kind gate_param_kind(struct kunit *test)
{
	return ((const struct gate_kind_case *)test->param_value)->kind;
}

static int gate_drain(void *arg)
{
	xs_gate_drain(arg);
	return 0;
}

static struct fake_call *gate_start_drain(struct kunit *test)
{
	return fake_call_start(test, gate_drain, test->priv, NULL);
}

static int gate_enter_request(void *arg)
{
	xs_gate_enter(arg, XS_GATE_REQUEST);
	return 0;
}

static void gate_unblock(void *arg)
{
	xs_gate_open(arg);
}

static int gate_try_start(void *arg)
{
	return xs_gate_try_enter(arg, XS_GATE_START);
}

static int gate_try_request(void *arg)
{
	return xs_gate_try_enter(arg, XS_GATE_REQUEST);
}

/* As xs_op_transaction_start(): left when the pin is in place. */
static void gate_take_pin(struct xs_gate *gate, struct xs_gate_pin *pin)
{
	xs_gate_enter(gate, XS_GATE_START);
	xs_gate_pin(gate, pin);
	xs_gate_leave(gate);
}

static void enter_while_open_passes(struct kunit *test)
{
	KUNIT_EXPECT_TRUE(test, xs_gate_try_enter(test->priv,
						  gate_param_kind(test)));
}

static void enter_while_closed_waits(struct kunit *test)
{
	xs_gate_close(test->priv);

	KUNIT_EXPECT_FALSE(test, xs_gate_try_enter(test->priv,
						   gate_param_kind(test)));
}

static void enter_refused_does_not_keep_the_gate_from_draining(struct kunit *test)
{
	struct xs_gate *gate = test->priv;

	xs_gate_close(gate);
	xs_gate_try_enter(gate, gate_param_kind(test));

	KUNIT_EXPECT_EQ(test, gate->inside, 0);
	xs_gate_drain(gate);
}

static void nested_entry_while_closed_passes(struct kunit *test)
{
	xs_gate_close(test->priv);

	KUNIT_EXPECT_TRUE(test, xs_gate_try_enter(test->priv, XS_GATE_NESTED));
}

static void nested_entry_while_closed_delays_the_drain(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct fake_call *drain;

	xs_gate_enter(gate, XS_GATE_REQUEST);
	xs_gate_close(gate);
	drain = gate_start_drain(test);
	xs_gate_enter(gate, XS_GATE_NESTED);
	xs_gate_leave(gate);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(drain));
	xs_gate_leave(gate);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, drain), 0);
}

static void enter_after_reopening_passes(struct kunit *test)
{
	struct xs_gate *gate = test->priv;

	xs_gate_close(gate);
	xs_gate_open(gate);

	KUNIT_EXPECT_TRUE(test, xs_gate_try_enter(gate, gate_param_kind(test)));
}

static void open_wakes_those_who_wait_to_enter(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct fake_call *first, *second;

	xs_gate_close(gate);
	first = fake_call_start(test, gate_enter_request, gate, gate_unblock);
	second = fake_call_start(test, gate_enter_request, gate, gate_unblock);
	xs_gate_open(gate);

	fake_call_result(test, first);
	fake_call_result(test, second);
	KUNIT_EXPECT_EQ(test, gate->inside, 2);
}

static void drain_with_nobody_inside_returns(struct kunit *test)
{
	struct xs_gate *gate = test->priv;

	xs_gate_close(gate);
	xs_gate_drain(gate);

	KUNIT_EXPECT_EQ(test, gate->inside, 0);
}

static void drain_ends_when_the_last_one_leaves(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct fake_call *drain;

	xs_gate_enter(gate, XS_GATE_REQUEST);
	xs_gate_enter(gate, XS_GATE_REQUEST);
	xs_gate_close(gate);
	drain = gate_start_drain(test);
	xs_gate_leave(gate);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(drain));
	xs_gate_leave(gate);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, drain), 0);
}

/* Defect J: with mainline a suspend waits for a moment without any traffic. */
static void drain_with_steady_traffic_ends(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct fake_call *drain;
	unsigned int i, admitted = 0;

	xs_gate_enter(gate, XS_GATE_REQUEST);
	xs_gate_close(gate);
	drain = gate_start_drain(test);
	/* As many come as want to; at no moment is nobody inside or waiting. */
	for (i = 0; i < 100; i++)
		admitted += xs_gate_try_enter(gate, XS_GATE_REQUEST);
	fake_call_start(test, gate_enter_request, gate, gate_unblock);
	xs_gate_leave(gate);

	KUNIT_EXPECT_EQ(test, admitted, 0);
	KUNIT_EXPECT_EQ(test, fake_call_result(test, drain), 0);
}

static void pin_keeps_the_gate_from_draining_until_it_ends(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;
	struct fake_call *drain;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	drain = gate_start_drain(test);
	xs_gate_enter(gate, XS_GATE_REQUEST);
	xs_gate_leave(gate);
	KUNIT_EXPECT_TRUE(test, fake_call_sleeps(drain));
	xs_gate_unpin(gate, &pin);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, drain), 0);
}

static void request_while_closed_passes_if_there_is_a_pin(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;
	struct fake_call *other;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	other = fake_call_start(test, gate_try_request, gate, NULL);

	/* Of any task: the task with the pin may wait for another one. */
	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), true);
}

static void request_while_closed_waits_once_the_pin_has_gone(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	xs_gate_unpin(gate, &pin);

	KUNIT_EXPECT_FALSE(test, xs_gate_try_enter(gate, XS_GATE_REQUEST));
}

/* The owner of the pin may wait for a task that needs a transaction to get on. */
static void start_while_closed_passes_if_another_task_has_the_pin(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;
	struct fake_call *other;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	other = fake_call_start(test, gate_try_start, gate, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), true);
}

static void start_while_closed_waits_once_the_pin_has_gone(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	xs_gate_unpin(gate, &pin);

	KUNIT_EXPECT_FALSE(test, xs_gate_try_enter(gate, XS_GATE_START));
}

/* As many transactions as want to, one after the other: all that pass. */
static int gate_start_many(void *arg)
{
	struct xs_gate *gate = arg;
	int passed = 0;

	while (passed <= XS_GATE_STARTS_MAX &&
	       xs_gate_try_enter(gate, XS_GATE_START)) {
		xs_gate_leave(gate);
		passed++;
	}
	return passed;
}

static void start_while_closed_waits_if_too_many_have_passed(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;
	struct fake_call *other;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	other = fake_call_start(test, gate_start_many, gate, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), XS_GATE_STARTS_MAX);
	/* The owner of the pin would wait for itself. */
	KUNIT_EXPECT_TRUE(test, xs_gate_try_enter(gate, XS_GATE_START));
}

static void start_that_waits_at_the_bound_passes_after_reopening(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;
	struct fake_call *other;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	other = fake_call_start(test, gate_start_many, gate, NULL);
	fake_call_result(test, other);
	xs_gate_unpin(gate, &pin);
	xs_gate_drain(gate);
	xs_gate_open(gate);
	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	other = fake_call_start(test, gate_start_many, gate, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), XS_GATE_STARTS_MAX);
	xs_gate_unpin(gate, &pin);
}

static void poll_at_a_closed_gate_uses_up_no_start(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;
	struct fake_call *other;
	unsigned int i;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);
	for (i = 0; i < XS_GATE_STARTS_MAX; i++)
		xs_gate_admits(gate, XS_GATE_START);
	other = fake_call_start(test, gate_try_start, gate, NULL);

	KUNIT_EXPECT_EQ(test, fake_call_result(test, other), true);
}

static void start_while_closed_passes_for_the_task_with_the_pin(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin pin;

	gate_take_pin(gate, &pin);
	xs_gate_close(gate);

	KUNIT_EXPECT_TRUE(test, xs_gate_try_enter(gate, XS_GATE_START));
}

static void unpin_leaves_the_other_pins(struct kunit *test)
{
	struct xs_gate *gate = test->priv;
	struct xs_gate_pin first, second;

	gate_take_pin(gate, &first);
	gate_take_pin(gate, &second);
	xs_gate_close(gate);

	xs_gate_unpin(gate, &first);
	KUNIT_EXPECT_TRUE(test, xs_gate_admits(gate, XS_GATE_REQUEST));
	xs_gate_unpin(gate, &second);
	KUNIT_EXPECT_FALSE(test, xs_gate_admits(gate, XS_GATE_REQUEST));
}

static struct kunit_case gate_cases[] = {
	KUNIT_CASE_PARAM(enter_while_open_passes, gate_kind_gen_params),
	KUNIT_CASE_PARAM(enter_while_closed_waits, gate_waiting_gen_params),
	KUNIT_CASE_PARAM(enter_refused_does_not_keep_the_gate_from_draining,
			 gate_waiting_gen_params),
	KUNIT_CASE(nested_entry_while_closed_passes),
	KUNIT_CASE(nested_entry_while_closed_delays_the_drain),
	KUNIT_CASE_PARAM(enter_after_reopening_passes, gate_kind_gen_params),
	KUNIT_CASE(open_wakes_those_who_wait_to_enter),
	KUNIT_CASE(drain_with_nobody_inside_returns),
	KUNIT_CASE(drain_ends_when_the_last_one_leaves),
	KUNIT_CASE(drain_with_steady_traffic_ends),
	KUNIT_CASE(pin_keeps_the_gate_from_draining_until_it_ends),
	KUNIT_CASE(request_while_closed_passes_if_there_is_a_pin),
	KUNIT_CASE(request_while_closed_waits_once_the_pin_has_gone),
	KUNIT_CASE(start_while_closed_passes_if_another_task_has_the_pin),
	KUNIT_CASE(start_while_closed_waits_once_the_pin_has_gone),
	KUNIT_CASE(start_while_closed_waits_if_too_many_have_passed),
	KUNIT_CASE(start_that_waits_at_the_bound_passes_after_reopening),
	KUNIT_CASE(poll_at_a_closed_gate_uses_up_no_start),
	KUNIT_CASE(start_while_closed_passes_for_the_task_with_the_pin),
	KUNIT_CASE(unpin_leaves_the_other_pins),
	{}
};

static struct kunit_suite gate_suite = {
	.name = "xenstore_gate",
	.init = gate_init,
	.test_cases = gate_cases,
};

kunit_test_suite(gate_suite);
