// SPDX-License-Identifier: GPL-2.0-only
/*
 * Tests of how a PV domain maps the ring of a peer, without Xen.
 *
 * What is tested is included here. The headers of x86 about Xen cannot be used in
 * the kernels in which the suites run, and are replaced by what follows: grants
 * get a handle while they are mapped, and addresses are reserved but never used.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define _ASM_X86_XEN_HYPERVISOR_H
#define _ASM_X86_XEN_HYPERCALL_H
#define _ASM_X86_XEN_PAGE_H
#define _XEN_EVENTS_H
#define _XEN_XEN_H

#define xen_pv_domain()	true
#define pfn_to_gfn(pfn)	(pfn)
#define gfn_to_virt(gfn)	((void *)(gfn))
#define virt_to_gfn(address)	((unsigned long)(address))

#include <kunit/test.h>
#include <linux/mm.h>
#include <linux/vmalloc.h>
#include <xen/features.h>
#include <xen/grant_table.h>
#include <xen/interface/event_channel.h>
#include <xen/interface/memory.h>
#include <xen/xenbus.h>

#include "fake_bus.h"

#define RING_GRANTS	4

/* What Xen and the memory management of a PV domain do, and have been asked. */
struct ring_world {
	bool no_tables;			/* no memory for page tables */
	grant_ref_t bad_ref;		/* is refused */
	unsigned int mapped;		/* grants */
	unsigned int areas;		/* addresses that are reserved */
	struct vm_struct area;
	char pages[RING_GRANTS * PAGE_SIZE];
};

static struct ring_world *ring_world;

static struct vm_struct *ring_get_vm_area(unsigned long size,
					  unsigned long flags)
{
	ring_world->areas++;
	ring_world->area.addr = ring_world->pages;
	return &ring_world->area;
}

static void ring_free_vm_area(struct vm_struct *area)
{
	ring_world->areas--;
}

static int ring_apply_to_page_range(struct mm_struct *mm, unsigned long addr,
				    unsigned long size, pte_fn_t fn, void *data)
{
	unsigned long offset;
	int err = ring_world->no_tables ? -ENOMEM : 0;

	for (offset = 0; !err && offset < size; offset += PAGE_SIZE)
		err = fn((pte_t *)(addr + offset), addr + offset, data);
	return err;
}

struct ring_machine_address {
	phys_addr_t maddr;
};

static struct ring_machine_address arbitrary_virt_to_machine(void *address)
{
	return (struct ring_machine_address){ (unsigned long)address };
}

/* None: earlier kernels see by this that the domain owns its page tables. */
u8 xen_features[XENFEAT_NR_SUBMAPS * 32];

void gnttab_batch_map(struct gnttab_map_grant_ref *batch, unsigned int count)
{
	unsigned int i;

	for (i = 0; i < count; i++) {
		if (batch[i].ref == ring_world->bad_ref) {
			batch[i].status = GNTST_bad_gntref;
			continue;
		}
		batch[i].status = GNTST_okay;
		batch[i].handle = batch[i].ref;
		ring_world->mapped++;
	}
}

static int HYPERVISOR_grant_table_op(unsigned int cmd, void *ops,
				     unsigned int count)
{
	struct gnttab_unmap_grant_ref *batch = ops;
	unsigned int i;

	for (i = 0; i < count; i++) {
		batch[i].status = GNTST_okay;
		ring_world->mapped--;
	}
	return 0;
}

/* What only frontends, and domains that are not PV, would call. */

static int HYPERVISOR_event_channel_op(int cmd, void *op)
{
	return -EINVAL;
}

static int xen_alloc_unpopulated_pages(unsigned int num, struct page **pages)
{
	return -ENOMEM;
}

static void xen_free_unpopulated_pages(unsigned int num, struct page **pages)
{
}

void gnttab_foreach_grant(struct page **pages, unsigned int nr_grefs,
			  xen_grant_fn_t fn, void *data)
{
}

int gnttab_alloc_grant_references(u16 count, grant_ref_t *pprivate_head)
{
	return -ENOSPC;
}

int gnttab_claim_grant_reference(grant_ref_t *pprivate_head)
{
	return -ENOSPC;
}

void gnttab_grant_foreign_access_ref(grant_ref_t ref, domid_t domid,
				     unsigned long frame, int readonly)
{
}

void gnttab_end_foreign_access(grant_ref_t ref, struct page *page)
{
}

#define CONFIG_XEN_PV		1
#define get_vm_area		ring_get_vm_area
#define free_vm_area		ring_free_vm_area
#define apply_to_page_range	ring_apply_to_page_range
#undef pr_fmt
#include "../device_ring.c"

struct ring_fixture {
	struct ring_world world;
	struct xenbus_device xendev;
	grant_ref_t refs[RING_GRANTS];
	void *vaddr;
};

static int ring_init(struct kunit *test)
{
	struct ring_fixture *f;
	unsigned int i;

	f = kunit_kzalloc(test, sizeof(*f), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, f);
	ring_world = &f->world;
	f->world.bad_ref = INVALID_GRANT_REF;
	for (i = 0; i < RING_GRANTS; i++)
		f->refs[i] = 8 + i;
	fake_bus_set(fake_bus_store_create(test), "1", "ktest/vbd/0/state");
	f->xendev.nodename = "ktest/vbd/0";
	f->xendev.dev.init_name = "vbd-0";
	f->xendev.state = XenbusStateInitialising;
	test->priv = f;
	return 0;
}

static int ring_try_map(struct ring_fixture *f)
{
	return xenbus_map_ring_valloc(&f->xendev, f->refs, RING_GRANTS,
				      &f->vaddr);
}

static void map_and_unmap_leave_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ring_try_map(f), 0);
	KUNIT_EXPECT_PTR_EQ(test, f->vaddr, (void *)f->world.pages);
	KUNIT_EXPECT_EQ(test, f->world.mapped, RING_GRANTS);
	KUNIT_EXPECT_EQ(test, xenbus_unmap_ring_vfree(&f->xendev, f->vaddr),
			GNTST_okay);
	KUNIT_EXPECT_EQ(test, f->world.mapped, 0);
	KUNIT_EXPECT_EQ(test, f->world.areas, 0);
}

static void map_of_a_grant_that_is_bad_leaves_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	f->world.bad_ref = f->refs[1];

	KUNIT_EXPECT_EQ(test, ring_try_map(f), -ENOENT);
	KUNIT_EXPECT_NULL(test, f->vaddr);
	KUNIT_EXPECT_EQ(test, f->world.mapped, 0);
	KUNIT_EXPECT_EQ(test, f->world.areas, 0);
	KUNIT_EXPECT_EQ(test, f->xendev.state, XenbusStateClosing);
}

static void map_without_memory_for_tables_leaves_nothing(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	f->world.no_tables = true;

	KUNIT_EXPECT_EQ(test, ring_try_map(f), -ENOMEM);
	KUNIT_EXPECT_NULL(test, f->vaddr);
	KUNIT_EXPECT_EQ(test, f->world.areas, 0);
}

/* A page that may be written by the peer is not given to anybody else. */
static void unmap_without_memory_for_tables_keeps_the_addresses(struct kunit *test)
{
	struct ring_fixture *f = test->priv;

	KUNIT_ASSERT_EQ(test, ring_try_map(f), 0);
	f->world.no_tables = true;

	KUNIT_EXPECT_EQ(test, xenbus_unmap_ring_vfree(&f->xendev, f->vaddr),
			GNTST_general_error);
	KUNIT_EXPECT_EQ(test, f->world.mapped, RING_GRANTS);
	KUNIT_EXPECT_EQ(test, f->world.areas, 1);
}

static struct kunit_case ring_cases[] = {
	KUNIT_CASE(map_and_unmap_leave_nothing),
	KUNIT_CASE(map_of_a_grant_that_is_bad_leaves_nothing),
	KUNIT_CASE(map_without_memory_for_tables_leaves_nothing),
	KUNIT_CASE(unmap_without_memory_for_tables_keeps_the_addresses),
	{}
};

static struct kunit_suite ring_suite = {
	.name = "xenbus_ring",
	.init = ring_init,
	.test_cases = ring_cases,
};

kunit_test_suite(ring_suite);
