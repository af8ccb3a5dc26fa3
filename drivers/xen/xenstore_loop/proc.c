// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files in /proc/xen by which a daemon finds the store of its own kernel.
 *
 * Knows a page and a port number, not what they are for. Process context.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include <linux/fs.h>
#include <linux/mm.h>
#include <linux/printk.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include <linux/stringify.h>

#include "loop.h"

/* Const after init. */
static struct page *xs_loop_ring;

/* The mapping holds a reference to the page, so it may outlive everything. */
static int xs_loop_kva_mmap(struct file *file, struct vm_area_struct *vma)
{
	if (vma->vm_pgoff || vma->vm_end - vma->vm_start != PAGE_SIZE)
		return -EINVAL;
	if (!(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	return vm_insert_page(vma, vma->vm_start, xs_loop_ring);
}

static const struct proc_ops xs_loop_kva_ops = {
	.proc_mmap = xs_loop_kva_mmap,
};

/* No newline: oxenstored takes the whole content for the number. */
static int xs_loop_port_show(struct seq_file *seq, void *unused)
{
	seq_puts(seq, __stringify(XS_LOOP_KERNEL_PORT));
	return 0;
}

static int xs_loop_capabilities_show(struct seq_file *seq, void *unused)
{
	seq_puts(seq, "control_d\n");
	return 0;
}

/**
 * xs_loop_proc_init() - make /proc/xen
 * @ring: the page that a daemon is to map
 *
 * Context: Process, may sleep.
 * Return: 0, or -ENOMEM, also if there is a /proc/xen already.
 */
int xs_loop_proc_init(struct page *ring)
{
	struct proc_dir_entry *dir = proc_mkdir("xen", NULL);

	if (!dir)
		return -ENOMEM;
	xs_loop_ring = ring;
	if (proc_create("xsd_kva", 0600, dir, &xs_loop_kva_ops) &&
	    proc_create_single("xsd_port", 0400, dir, xs_loop_port_show) &&
	    proc_create_single("capabilities", 0444, dir,
			       xs_loop_capabilities_show))
		return 0;
	xs_loop_proc_exit();
	return -ENOMEM;
}

/**
 * xs_loop_proc_exit() - reverse xs_loop_proc_init()
 *
 * Context: Process, may sleep.
 */
void xs_loop_proc_exit(void)
{
	remove_proc_subtree("xen", NULL);
}
