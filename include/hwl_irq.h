/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Interrupts: vectors, moderation, handlers and the poll.
 */
#ifndef HWL_IRQ_H
#define HWL_IRQ_H

#include <linux/types.h>

#include "hwl_regs.h"

struct hwl_adapter;
struct hwl_pair;
struct net_device;

/* Causes of a single interrupt. */
#define HWL_INT_LINE_CAUSES	(HWL_INT_RXT0 | HWL_INT_TXDW | \
				 HWL_INT_RXDMT0 | HWL_INT_RXSEQ | HWL_INT_LSC)

/* EITR and ITR count 256 ns in 16 bits. */
#define HWL_ITR_UNIT_NS		256
#define HWL_ITR_MAX		0xFFFF
#define HWL_ITR_MAX_USECS	(HWL_ITR_MAX * HWL_ITR_UNIT_NS / 1000)

/**
 * hwl_usecs_to_itr() - interval for EITR or ITR
 * @usecs: microseconds, up to HWL_ITR_MAX_USECS
 *
 * Return: the nearest number of units that is not below; 0 means no throttling.
 */
static inline u32 hwl_usecs_to_itr(u32 usecs)
{
	return (usecs * 1000 + HWL_ITR_UNIT_NS - 1) / HWL_ITR_UNIT_NS;
}

/*
 * Default moderation in microseconds. Tx completions can wait longer than
 * received packets: the poll of either reclaims both. The Tx ring holds more
 * than the device can send in that time.
 */
#define HWL_RX_USECS_DEFAULT	50
#define HWL_TX_USECS_DEFAULT	250

int hwl_irq_init(struct hwl_adapter *ad);
void hwl_irq_pair_causes(struct hwl_pair *pair, int q);
void hwl_irq_exit(struct hwl_adapter *ad);
const char *hwl_irq_mode_name(const struct hwl_adapter *ad);
void hwl_irq_pair_init(struct hwl_pair *pair, int q);
int hwl_irq_request(struct hwl_adapter *ad);
void hwl_irq_free(struct hwl_adapter *ad);
void hwl_irq_setup(struct hwl_adapter *ad);
void hwl_irq_every_wb(struct hwl_adapter *ad);
void hwl_irq_enable(struct hwl_adapter *ad);
void hwl_irq_disable(struct hwl_adapter *ad);
void hwl_irq_set_pair_itr(struct hwl_pair *pair);
void hwl_irq_set_itr(struct hwl_adapter *ad);
void hwl_irq_napi_enable(struct hwl_adapter *ad);
void hwl_irq_napi_disable(struct hwl_adapter *ad);
void hwl_napi_wait_received(struct hwl_adapter *ad);
void hwl_pair_schedule_xsk(struct hwl_adapter *ad);
int hwl_irq_xsk_wakeup(struct net_device *netdev, u32 q, u32 flags);
void hwl_irq_raise(struct hwl_adapter *ad);
bool hwl_irq_lost(const struct hwl_pair *pair);
void hwl_irq_restore(struct hwl_adapter *ad);
int hwl_irq_next_mode(struct hwl_adapter *ad);

u32 hwl_irq_vector_rx(const struct hwl_adapter *ad, u32 q);
u32 hwl_irq_vector_tx(const struct hwl_adapter *ad, u32 q);
u32 hwl_irq_vector_other(const struct hwl_adapter *ad);

#endif /* HWL_IRQ_H */
