// SPDX-License-Identifier: GPL-2.0-only
/*
 * What the two ends of a device share: pages of a ring and event channels.
 *
 * A frontend grants pages of its own to the domain of the backend, which maps
 * them. How a foreign page is mapped depends on the owner of our page tables. A
 * PV domain owns them: it reserves addresses and lets Xen write their entries.
 * Any other domain gives a page of its physical address space without memory
 * in it, has Xen put the foreign page there, and maps that itself.
 *
 * A page that cannot be unmapped may still be written by the peer. It is then
 * kept for ever, together with its address.
 *
 * Everything here runs in process context.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt

#include <linux/err.h>
#include <linux/export.h>
#include <linux/gfp.h>
#include <linux/hashtable.h>
#include <linux/mm.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/vmalloc.h>

#include <asm/xen/hypervisor.h>
#include <asm/xen/hypercall.h>

#include <xen/events.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/xen.h>
#include <xen/xenbus.h>

/* A page of ours may hold several of Xen's. */
#define RING_PAGES(nr_grants)	DIV_ROUND_UP(nr_grants, XEN_PFN_PER_PAGE)

/* What is told to Xen, one element per grant. */
struct ring_batch {
	unsigned int num;
	phys_addr_t addrs[XENBUS_MAX_RING_GRANTS];
	union {
		struct gnttab_map_grant_ref map[XENBUS_MAX_RING_GRANTS];
		struct gnttab_unmap_grant_ref unmap[XENBUS_MAX_RING_GRANTS];
	};
};

/* A ring of another domain that is mapped. */
struct ring_mapping {
	struct hlist_node node;		/* in ring_mappings, by vaddr */
	void *vaddr;			/* where the client sees it */
	unsigned int nr_grants;
	grant_handle_t handles[XENBUS_MAX_RING_GRANTS];
	struct vm_struct *area;		/* PV: the addresses */
	struct page *pages[RING_PAGES(XENBUS_MAX_RING_GRANTS)]; /* not PV */
	struct ring_batch batch;	/* here, so that unmapping cannot fail */
};

/* How foreign pages become visible. */
struct ring_mode {
	u32 map_flags;
	/* Reserves address space for the pages. */
	int (*reserve)(struct ring_mapping *mapping);
	/* Writes to the batch where in that space each of them goes. */
	int (*locate)(struct ring_mapping *mapping);
	/* Sets the address; the pages are in their places now. */
	int (*publish)(struct ring_mapping *mapping);
	/* Frees the address space. */
	void (*release)(struct ring_mapping *mapping);
};

static DEFINE_HASHTABLE(ring_mappings, 6);
/* Protects ring_mappings; a leaf. */
static DEFINE_SPINLOCK(ring_mappings_lock);

/* === Granting: frontends === */

/**
 * xenbus_setup_ring() - allocate a ring and grant it to the peer of a device
 * @dev: the device
 * @gfp: how to allocate
 * @vaddr: gets its address; NULL after a failure
 * @nr_pages: its size in pages of Xen
 * @grefs: get the grants; INVALID_GRANT_REF after a failure
 *
 * The pages are zeroed and contiguous. All of the grants are reserved before
 * the peer sees any.
 *
 * Context: Process; sleeps as far as @gfp allows.
 * Return: 0 or a negative errno.
 */
int xenbus_setup_ring(struct xenbus_device *dev, gfp_t gfp, void **vaddr,
		      unsigned int nr_pages, grant_ref_t *grefs)
{
	size_t size = (size_t)nr_pages * XEN_PAGE_SIZE;
	grant_ref_t reserved;
	unsigned int i;
	void *ring;
	int err;

	*vaddr = NULL;
	for (i = 0; i < nr_pages; i++)
		grefs[i] = INVALID_GRANT_REF;

	ring = alloc_pages_exact(size, gfp | __GFP_ZERO);
	if (!ring)
		return -ENOMEM;
	err = gnttab_alloc_grant_references(nr_pages, &reserved);
	if (err) {
		free_pages_exact(ring, size);
		xenbus_dev_fatal(dev, err, "no grants for a ring of %u pages",
				 nr_pages);
		return err;
	}
	for (i = 0; i < nr_pages; i++) {
		grefs[i] = gnttab_claim_grant_reference(&reserved);
		gnttab_grant_foreign_access_ref(grefs[i], dev->otherend_id,
						virt_to_gfn(ring +
							    i * XEN_PAGE_SIZE),
						0);
	}
	*vaddr = ring;
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_setup_ring);

/**
 * xenbus_teardown_ring() - end the grants of a ring and free it
 * @vaddr: address of the ring or NULL in it; NULL afterwards
 * @nr_pages: its size in pages of Xen
 * @grefs: its grants; INVALID_GRANT_REF afterwards
 *
 * A page that the peer has still mapped is freed when it lets go of it.
 *
 * Context: Process.
 */
void xenbus_teardown_ring(void **vaddr, unsigned int nr_pages,
			  grant_ref_t *grefs)
{
	void *ring = *vaddr;
	unsigned int i;

	*vaddr = NULL;
	for (i = 0; i < nr_pages; i++) {
		if (grefs[i] != INVALID_GRANT_REF)
			gnttab_end_foreign_access(grefs[i], NULL);
		grefs[i] = INVALID_GRANT_REF;
	}
	if (ring)
		free_pages_exact(ring, (size_t)nr_pages * XEN_PAGE_SIZE);
}
EXPORT_SYMBOL_GPL(xenbus_teardown_ring);

/* === Event channels === */

/**
 * xenbus_alloc_evtchn() - get an event channel that the peer can bind to
 * @dev: the device; a failure is reported and closes it
 * @port: gets our end
 *
 * Context: Process; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_alloc_evtchn(struct xenbus_device *dev, evtchn_port_t *port)
{
	struct evtchn_alloc_unbound alloc = {
		.dom		= DOMID_SELF,
		.remote_dom	= dev->otherend_id,
	};
	int err;

	err = HYPERVISOR_event_channel_op(EVTCHNOP_alloc_unbound, &alloc);
	if (err) {
		xenbus_dev_fatal(dev, err, "no event channel");
		return err;
	}
	*port = alloc.port;
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_alloc_evtchn);

/**
 * xenbus_free_evtchn() - close an event channel that has no handler
 * @dev: the device; a failure is reported
 * @port: our end
 *
 * Context: Process; sleeps.
 * Return: 0 or a negative errno.
 */
int xenbus_free_evtchn(struct xenbus_device *dev, evtchn_port_t port)
{
	struct evtchn_close op = { .port = port };
	int err = HYPERVISOR_event_channel_op(EVTCHNOP_close, &op);

	if (err)
		xenbus_dev_error(dev, err, "closing event channel %u", port);
	return err;
}
EXPORT_SYMBOL_GPL(xenbus_free_evtchn);

/* === Mapping in a PV domain === */

#ifdef CONFIG_XEN_PV
static int ring_pv_reserve(struct ring_mapping *mapping)
{
	mapping->area = get_vm_area(mapping->nr_grants * XEN_PAGE_SIZE,
				    VM_IOREMAP);
	return mapping->area ? 0 : -ENOMEM;
}

static int ring_pv_locate_one(pte_t *pte, unsigned long addr, void *data)
{
	struct ring_batch *batch = data;

	batch->addrs[batch->num++] = arbitrary_virt_to_machine(pte).maddr;
	return 0;
}

/* Where the table entries are is another after the domain was restored. */
static int ring_pv_locate(struct ring_mapping *mapping)
{
	mapping->batch.num = 0;
	return apply_to_page_range(&init_mm, (unsigned long)mapping->area->addr,
				   mapping->nr_grants * XEN_PAGE_SIZE,
				   ring_pv_locate_one, &mapping->batch);
}

static int ring_pv_publish(struct ring_mapping *mapping)
{
	mapping->vaddr = mapping->area->addr;
	return 0;
}

static void ring_pv_release(struct ring_mapping *mapping)
{
	free_vm_area(mapping->area);
}

static const struct ring_mode ring_mode_pv = {
	.map_flags	= GNTMAP_host_map | GNTMAP_contains_pte,
	.reserve	= ring_pv_reserve,
	.locate		= ring_pv_locate,
	.publish	= ring_pv_publish,
	.release	= ring_pv_release,
};
#endif /* CONFIG_XEN_PV */

/* === Mapping in any other domain === */

static int ring_auto_reserve(struct ring_mapping *mapping)
{
	return xen_alloc_unpopulated_pages(RING_PAGES(mapping->nr_grants),
					   mapping->pages);
}

static void ring_auto_locate_one(unsigned long gfn, unsigned int offset,
				 unsigned int len, void *data)
{
	struct ring_batch *batch = data;

	batch->addrs[batch->num++] = (unsigned long)gfn_to_virt(gfn);
}

static int ring_auto_locate(struct ring_mapping *mapping)
{
	mapping->batch.num = 0;
	gnttab_foreach_grant(mapping->pages, mapping->nr_grants,
			     ring_auto_locate_one, &mapping->batch);
	return 0;
}

static int ring_auto_publish(struct ring_mapping *mapping)
{
	mapping->vaddr = vmap(mapping->pages, RING_PAGES(mapping->nr_grants),
			      VM_MAP | VM_IOREMAP, PAGE_KERNEL);
	return mapping->vaddr ? 0 : -ENOMEM;
}

static void ring_auto_release(struct ring_mapping *mapping)
{
	vunmap(mapping->vaddr);
	xen_free_unpopulated_pages(RING_PAGES(mapping->nr_grants),
				   mapping->pages);
}

static const struct ring_mode ring_mode_auto = {
	.map_flags	= GNTMAP_host_map,
	.reserve	= ring_auto_reserve,
	.locate		= ring_auto_locate,
	.publish	= ring_auto_publish,
	.release	= ring_auto_release,
};

static const struct ring_mode *ring_mode(void)
{
#ifdef CONFIG_XEN_PV
	if (xen_pv_domain())
		return &ring_mode_pv;
#endif
	return &ring_mode_auto;
}

/* === Mapping: backends === */

/* Returns GNTST_okay or the first failure; reports each. */
static int ring_unmap_status(struct xenbus_device *dev,
			     const struct ring_batch *batch, unsigned int num)
{
	int status, first = GNTST_okay;
	unsigned int i;

	for (i = 0; i < num; i++) {
		status = batch->unmap[i].status;
		if (status == GNTST_okay)
			continue;
		xenbus_dev_error(dev, status, "cannot unmap handle %u of %u",
				 batch->unmap[i].handle, num);
		first = first ?: status;
	}
	return first;
}

static unsigned int ring_count_mapped(const struct ring_mapping *mapping)
{
	unsigned int i, num = 0;

	for (i = 0; i < mapping->nr_grants; i++)
		num += mapping->handles[i] != INVALID_GRANT_HANDLE;
	return num;
}

/* Unmap what has a handle. Returns GNTST_*. */
static int ring_unmap_grants(struct xenbus_device *dev,
			     struct ring_mapping *mapping)
{
	struct ring_batch *batch = &mapping->batch;
	const u32 flags = ring_mode()->map_flags;
	unsigned int i, num = 0;

	/* There may be no addresses: what has failed was to find them. */
	if (!ring_count_mapped(mapping))
		return GNTST_okay;
	if (ring_mode()->locate(mapping))
		return GNTST_general_error;
	for (i = 0; i < mapping->nr_grants; i++) {
		if (mapping->handles[i] == INVALID_GRANT_HANDLE)
			continue;
		gnttab_set_unmap_op(&batch->unmap[num++], batch->addrs[i],
				    flags, mapping->handles[i]);
	}
	if (HYPERVISOR_grant_table_op(GNTTABOP_unmap_grant_ref, batch->unmap,
				      num))
		return GNTST_general_error;
	return ring_unmap_status(dev, batch, num);
}

/* Returns GNTST_*; the address space is lost if a page stays mapped. */
static int ring_unmap(struct xenbus_device *dev, struct ring_mapping *mapping)
{
	int status = ring_unmap_grants(dev, mapping);

	if (status == GNTST_okay)
		ring_mode()->release(mapping);
	else
		pr_alert("%s: %u pages of domain %d stay mapped\n",
			 dev->nodename, mapping->nr_grants, dev->otherend_id);
	return status;
}

static int ring_map_grants(struct xenbus_device *dev,
			   struct ring_mapping *mapping,
			   const grant_ref_t *refs)
{
	struct ring_batch *batch = &mapping->batch;
	const u32 flags = ring_mode()->map_flags;
	int status, first = GNTST_okay;
	unsigned int i;

	if (ring_mode()->locate(mapping))
		return -ENOMEM;
	for (i = 0; i < mapping->nr_grants; i++)
		gnttab_set_map_op(&batch->map[i], batch->addrs[i], flags,
				  refs[i], dev->otherend_id);
	gnttab_batch_map(batch->map, mapping->nr_grants);

	for (i = 0; i < mapping->nr_grants; i++) {
		status = batch->map[i].status;
		if (status == GNTST_okay)
			mapping->handles[i] = batch->map[i].handle;
		else if (first == GNTST_okay)
			first = status;
	}
	if (first == GNTST_okay)
		return 0;
	xenbus_dev_fatal(dev, first, "mapping a ring of domain %d",
			 dev->otherend_id);
	return -ENOENT;
}

static int ring_map(struct xenbus_device *dev, struct ring_mapping *mapping,
		    const grant_ref_t *refs)
{
	int err = ring_mode()->reserve(mapping);

	if (err)
		return err;
	err = ring_map_grants(dev, mapping, refs);
	if (!err)
		err = ring_mode()->publish(mapping);
	if (err)
		ring_unmap(dev, mapping);
	return err;
}

static void ring_mapping_add(struct ring_mapping *mapping)
{
	spin_lock(&ring_mappings_lock);
	hash_add(ring_mappings, &mapping->node, (unsigned long)mapping->vaddr);
	spin_unlock(&ring_mappings_lock);
}

static struct ring_mapping *ring_mapping_take(const void *vaddr)
{
	struct ring_mapping *mapping, *found = NULL;

	spin_lock(&ring_mappings_lock);
	hash_for_each_possible(ring_mappings, mapping, node,
			       (unsigned long)vaddr) {
		if (mapping->vaddr == vaddr)
			found = mapping;
	}
	if (found)
		hash_del(&found->node);
	spin_unlock(&ring_mappings_lock);
	return found;
}

static struct ring_mapping *ring_mapping_alloc(unsigned int nr_grants)
{
	struct ring_mapping *mapping = kzalloc(sizeof(*mapping), GFP_KERNEL);
	unsigned int i;

	if (!mapping)
		return NULL;
	mapping->nr_grants = nr_grants;
	for (i = 0; i < XENBUS_MAX_RING_GRANTS; i++)
		mapping->handles[i] = INVALID_GRANT_HANDLE;
	return mapping;
}

/**
 * xenbus_map_ring_valloc() - map a ring of the peer of a device
 * @dev: the device; it is closed if the peer's grants cannot be mapped
 * @gnt_refs: the grants that the peer has written to the store
 * @nr_grefs: how many; at most XENBUS_MAX_RING_GRANTS
 * @vaddr: gets the address; NULL after a failure
 *
 * Context: Process; sleeps.
 * Return: 0, -EINVAL, -ENOMEM, or -ENOENT if the peer has not granted these.
 */
int xenbus_map_ring_valloc(struct xenbus_device *dev, grant_ref_t *gnt_refs,
			   unsigned int nr_grefs, void **vaddr)
{
	struct ring_mapping *mapping;
	int err;

	*vaddr = NULL;
	if (!nr_grefs || nr_grefs > XENBUS_MAX_RING_GRANTS)
		return -EINVAL;

	mapping = ring_mapping_alloc(nr_grefs);
	if (!mapping)
		return -ENOMEM;
	err = ring_map(dev, mapping, gnt_refs);
	if (err) {
		kfree(mapping);
		return err;
	}
	ring_mapping_add(mapping);
	*vaddr = mapping->vaddr;
	return 0;
}
EXPORT_SYMBOL_GPL(xenbus_map_ring_valloc);

/**
 * xenbus_unmap_ring_vfree() - unmap what xenbus_map_ring_valloc() mapped
 * @dev: the device; failures are reported
 * @vaddr: the address that was given
 *
 * Context: Process; sleeps.
 * Return: GNTST_okay, which is 0, or another GNTST_* value.
 */
int xenbus_unmap_ring_vfree(struct xenbus_device *dev, void *vaddr)
{
	struct ring_mapping *mapping = ring_mapping_take(vaddr);
	int status;

	if (!mapping) {
		xenbus_dev_error(dev, -ENOENT, "no ring is mapped at %p",
				 vaddr);
		return GNTST_bad_virt_addr;
	}
	status = ring_unmap(dev, mapping);
	kfree(mapping);
	return status;
}
EXPORT_SYMBOL_GPL(xenbus_unmap_ring_vfree);
