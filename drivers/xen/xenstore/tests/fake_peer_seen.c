// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a scripted peer has seen.
 *
 * Copyright (C) 2026 The xenbus authors
 */
#include "fake_peer.h"

/**
 * fake_peer_seen() - a message that the peer has received
 * @peer: the peer
 * @n: which one, beginning with 0
 *
 * Context: Any but hard interrupt.
 * Return: The message, valid until the test ends, or NULL if there is none.
 */
const struct fake_message *fake_peer_seen(struct fake_peer *peer,
					  unsigned int n)
{
	struct fake_message *msg, *found = NULL;

	spin_lock(&peer->lock);
	list_for_each_entry(msg, &peer->seen, node) {
		if (!n--) {
			found = msg;
			break;
		}
	}
	spin_unlock(&peer->lock);
	return found;
}

/**
 * fake_peer_count() - how many complete messages has the peer received?
 * @peer: the peer
 *
 * Context: Any but hard interrupt.
 * Return: The number, including those that were not recorded.
 */
unsigned int fake_peer_count(struct fake_peer *peer)
{
	unsigned int count;

	spin_lock(&peer->lock);
	count = peer->count;
	spin_unlock(&peer->lock);
	return count;
}

/**
 * fake_peer_notifications() - how often has the client notified?
 * @peer: the peer
 *
 * Context: Any but hard interrupt.
 * Return: The number of calls of notify().
 */
unsigned int fake_peer_notifications(struct fake_peer *peer)
{
	unsigned int notifications;

	spin_lock(&peer->lock);
	notifications = peer->notifications;
	spin_unlock(&peer->lock);
	return notifications;
}
