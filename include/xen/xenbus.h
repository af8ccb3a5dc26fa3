/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What drivers of paravirtual devices and other clients of XenStore use.
 *
 * Calls that talk to the store sleep until the reply of its daemon, and allocate
 * in a way that is safe on I/O paths. Strings they return are the caller's to
 * kfree().
 *
 * Copyright (C) 2026 The xenbus authors
 */
#ifndef _XEN_XENBUS_H
#define _XEN_XENBUS_H

/* Includers rely on more of these than this file itself needs. */
#include <linux/completion.h>
#include <linux/device.h>
#include <linux/export.h>
#include <linux/fs.h>
#include <linux/init.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/semaphore.h>
#include <linux/slab.h>

#include <compat/xenbus.h>

#include <xen/interface/event_channel.h>
#include <xen/interface/grant_table.h>
#include <xen/interface/io/xenbus.h>
#include <xen/interface/io/xs_wire.h>
#include <xen/interface/xen.h>

/** define XENBUS_MAX_RING_GRANT_ORDER - log2 of %XENBUS_MAX_RING_GRANTS */
#define XENBUS_MAX_RING_GRANT_ORDER 4
/** define XENBUS_MAX_RING_GRANTS - most grants one ring is mapped from */
#define XENBUS_MAX_RING_GRANTS      16U

struct xs_queue;

/**
 * struct xenbus_watch - a watch on a node of the store and all below it
 *
 * The owner zeroes the struct, sets @node, @callback and, if wanted,
 * @will_handle, and keeps it alive until unregister_xenbus_watch() returned.
 * The rest belongs to the driver.
 */
struct xenbus_watch {
	/** @list: links the registered watches */
	struct list_head list;

	/** @node: the path; const while registered */
	const char *node;

	/** @nr_pending: events queued and not yet delivered */
	unsigned int nr_pending;

	/**
	 * @will_handle: called before an event is queued, by the xenbus kthread
	 * with a spinlock held; false drops the event. May be NULL.
	 */
	bool (*will_handle)(struct xenbus_watch *watch,
			    const char *path, const char *token);

	/** @callback: called for an event; may sleep, nothing is locked */
	void (*callback)(struct xenbus_watch *watch,
			 const char *path, const char *token);

	/** @id: which watch of the connection this is; const while registered */
	u32 id;
};

/**
 * struct xenbus_device - one end of a paravirtual device
 */
struct xenbus_device {
	/** @devicetype: "vif", "vbd", ...; const */
	const char *devicetype;
	/** @nodename: path of this end's directory; const */
	const char *nodename;
	/** @otherend: path of the peer's directory, or NULL if not known */
	const char *otherend;
	/**
	 * @vanished: the directory is gone or belongs to another device by now,
	 * so this one leaves the store alone; set by the bus
	 */
	bool vanished;
	/** @otherend_id: domain of the peer */
	int otherend_id;
	/** @otherend_watch: on the state of the peer, while a driver is bound */
	struct xenbus_watch otherend_watch;
	/** @dev: the device of the driver core */
	struct device dev;
	/** @state: the state that this end announced last */
	enum xenbus_state state;
	/** @down: completed when this end has been closed */
	struct completion down;
	/** @work: resumes the device where the store is local */
	struct work_struct work;
	/** @reclaim_sem: keeps probe, remove and reclaim_memory apart */
	struct semaphore reclaim_sem;

	/** @event_channels: channels bound for this device */
	atomic_t event_channels;
	/** @events: events received on them */
	atomic_t events;
	/** @spurious_events: events that had no work to do */
	atomic_t spurious_events;
	/** @jiffies_eoi_delayed: for how long events were held back in sum */
	atomic_t jiffies_eoi_delayed;
	/** @spurious_threshold: spurious events tolerated in a row */
	unsigned int spurious_threshold;

	/** @queue: private to the bus; where callbacks for the device run */
	struct xs_queue *queue;
};

#define to_xenbus_device(__dev)	container_of_const(__dev, struct xenbus_device, dev)

/**
 * struct xenbus_device_id - a kind of device that a driver handles
 */
struct xenbus_device_id {
	/** @devicetype: as in the path; empty in the last one of an array */
	char devicetype[32];
};

/**
 * struct xenbus_driver - a driver for one end of paravirtual devices
 */
struct xenbus_driver {
	/** @name: if NULL, the first type in @ids is the name */
	const char *name;
	/** @ids: what it handles; ends with an empty type */
	const struct xenbus_device_id *ids;
	/** @allow_rebind: unbinding does not by itself close the device */
	bool allow_rebind;
	/** @not_essential: booting does not wait for it beyond 30 seconds */
	bool not_essential;
	/** @probe: binds a device */
	int (*probe)(struct xenbus_device *dev,
		     const struct xenbus_device_id *id);
	/** @otherend_changed: the peer announced a state */
	void (*otherend_changed)(struct xenbus_device *dev,
				 enum xenbus_state backend_state);
	/** @remove: unbinds a device */
	void (*remove)(struct xenbus_device *dev);
	/** @suspend: before the domain is saved */
	int (*suspend)(struct xenbus_device *dev);
	/** @resume: after the domain was restored */
	int (*resume)(struct xenbus_device *dev);
	/** @uevent: adds variables to an event of a backend device */
	int (*uevent)(compat_uevent_device *dev, struct kobj_uevent_env *env);
	/** @driver: the driver of the driver core */
	struct device_driver driver;
	/** @read_otherend_details: finds the peer; set at registration */
	int (*read_otherend_details)(struct xenbus_device *dev);
	/** @is_ready: whether a connected device can be used; optional */
	int (*is_ready)(struct xenbus_device *dev);
	/** @reclaim_memory: memory is short; optional, for backends */
	void (*reclaim_memory)(struct xenbus_device *dev);
};

#define to_xenbus_driver(__drv)	container_of_const(__drv, struct xenbus_driver, driver)

/**
 * struct xenbus_transaction - a handle
 */
struct xenbus_transaction {
	/** @id: as the daemon gave it; 0 stands for no transaction */
	u32 id;
};

/** define XBT_NIL - for operations outside of any transaction */
#define XBT_NIL ((struct xenbus_transaction) { 0 })

/**
 * xenbus_is_err_read - make an error of an empty string
 * @str: where the result of xenbus_read() is kept
 *
 * Context: process.
 * Return: whether there is an error.
 */
static inline bool xenbus_is_err_read(void **str)
{
	if (!IS_ERR(*str) && !*(const char *)*str) {
		kfree(*str);
		*str = ERR_PTR(-ERANGE);
	}
	return IS_ERR(*str);
}

/**
 * XENBUS_IS_ERR_READ - whether xenbus_read() gave nothing to work with
 * @str: variable that holds the result; an empty string is freed and becomes
 *	ERR_PTR(-ERANGE)
 */
#define XENBUS_IS_ERR_READ(str) xenbus_is_err_read((void **)&(str))

/**
 * XENBUS_EXIST_ERR - whether an error says that there is no value
 * @err: negative errno of a read
 */
#define XENBUS_EXIST_ERR(err) ({				\
	const int __err = (err);				\
								\
	__err == -ENOENT || __err == -ERANGE;			\
})

/* Reading and writing the store */
char **xenbus_directory(struct xenbus_transaction t,
			const char *dir, const char *node, unsigned int *num);
int xenbus_exists(struct xenbus_transaction t,
		  const char *dir, const char *node);
void *xenbus_read(struct xenbus_transaction t,
		  const char *dir, const char *node, unsigned int *len);
unsigned int xenbus_read_unsigned(const char *dir, const char *node,
				  unsigned int default_val);
int __scanf(4, 5)
xenbus_scanf(struct xenbus_transaction t,
	     const char *dir, const char *node, const char *fmt, ...);
int xenbus_gather(struct xenbus_transaction t, const char *dir, ...);
int xenbus_write(struct xenbus_transaction t,
		 const char *dir, const char *node, const char *string);
int __printf(4, 5)
xenbus_printf(struct xenbus_transaction t,
	      const char *dir, const char *node, const char *fmt, ...);
int xenbus_rm(struct xenbus_transaction t, const char *dir, const char *node);
int xenbus_transaction_start(struct xenbus_transaction *t);
int xenbus_transaction_end(struct xenbus_transaction t, bool abort);

/* Watches */
int register_xenbus_watch(struct xenbus_watch *watch);
void unregister_xenbus_watch(struct xenbus_watch *watch);
int xenbus_watch_path(struct xenbus_device *dev, const char *path,
		      struct xenbus_watch *watch,
		      bool (*will_handle)(struct xenbus_watch *,
					  const char *, const char *),
		      void (*callback)(struct xenbus_watch *,
				       const char *, const char *));
int __printf(5, 6)
xenbus_watch_pathfmt(struct xenbus_device *dev, struct xenbus_watch *watch,
		     bool (*will_handle)(struct xenbus_watch *,
					 const char *, const char *),
		     void (*callback)(struct xenbus_watch *,
				      const char *, const char *),
		     const char *pathfmt, ...);

/* Whether the store's daemon is there, and a call when it is */
extern int xenstored_ready;
int register_xenstore_notifier(struct notifier_block *nb);
void unregister_xenstore_notifier(struct notifier_block *nb);

/* Around saving and restoring the domain */
void xs_suspend(void);
void xs_resume(void);
void xs_suspend_cancel(void);

/* Drivers */
int __must_check __xenbus_register_frontend(struct xenbus_driver *drv,
					    struct module *owner,
					    const char *mod_name);
int __must_check __xenbus_register_backend(struct xenbus_driver *drv,
					   struct module *owner,
					   const char *mod_name);
void xenbus_unregister_driver(struct xenbus_driver *drv);

#define xenbus_register_frontend(drv) \
	__xenbus_register_frontend(drv, THIS_MODULE, KBUILD_MODNAME)
#define xenbus_register_backend(drv) \
	__xenbus_register_backend(drv, THIS_MODULE, KBUILD_MODNAME)

/* The states of a device and of its peer */
int xenbus_switch_state(struct xenbus_device *dev, enum xenbus_state new_state);
int xenbus_frontend_closed(struct xenbus_device *dev);
enum xenbus_state xenbus_read_driver_state(const struct xenbus_device *dev,
					   const char *path);
const char *xenbus_strstate(enum xenbus_state state);
int xenbus_dev_is_online(struct xenbus_device *dev);

/* Errors, written to the log and to the store */
void __printf(3, 4)
xenbus_dev_error(struct xenbus_device *dev, int err, const char *fmt, ...);
void __printf(3, 4)
xenbus_dev_fatal(struct xenbus_device *dev, int err, const char *fmt, ...);

/* What a device shares with its peer */
int xenbus_setup_ring(struct xenbus_device *dev, gfp_t gfp, void **vaddr,
		      unsigned int nr_pages, grant_ref_t *grefs);
void xenbus_teardown_ring(void **vaddr, unsigned int nr_pages,
			  grant_ref_t *grefs);
int xenbus_map_ring_valloc(struct xenbus_device *dev, grant_ref_t *gnt_refs,
			   unsigned int nr_grefs, void **vaddr);
int xenbus_unmap_ring_vfree(struct xenbus_device *dev, void *vaddr);
int xenbus_alloc_evtchn(struct xenbus_device *dev, evtchn_port_t *port);
int xenbus_free_evtchn(struct xenbus_device *dev, evtchn_port_t port);

/* For xenfs, which shows the same as the device nodes */
extern const struct file_operations xen_xenbus_fops;
extern struct xenstore_domain_interface *xen_store_interface;
extern int xen_store_evtchn;

#endif /* _XEN_XENBUS_H */
