/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A transmit ring: the sender, the device, its interrupt, the poll, the watchdog, and the reset.
 *
 * What is looked for: a packet lost or completed twice, a descriptor used that is not free, a queue
 * asleep for good, a packet that never ends. Steps are interleaved in any way, each as if memory
 * were sequentially consistent; the barriers are the litmus tests' business.
 *
 * The ring has four descriptors, the counters wrap at six: not a multiple, as 2^32 is none of most
 * ring sizes. Packets take one or two descriptors, bursts have one or two packets; within a burst
 * RS is set every two descriptors.
 *
 * Without FAULTS the device always works, and neither watchdog nor reset runs: the protocol alone
 * must do. With FAULTS the device may stop and messages may be lost at any time. Time is not
 * modelled: the watchdog may look at any moment, so resets that nothing called for are among
 * what is checked. To keep the states few, the ring is then one of three, whose counters wrap with
 * it, packets have one descriptor, and there are no bursts.
 *
 * Code:
 *   src/hwl_tx.c: hwl_tx_xmit(): if (unlikely(!netif_txq_maybe_stop(txq->nq, hwl_txq_unused(txq), HWL_TX_STOP, HWL_TX_START))) return hwl_tx_full(txq, skb);
 *   src/hwl_tx.c: hwl_tx_xmit(): hwl_txq_publish(&cur, HWL_TX_SKB, bytes, segs); stopped = !netif_txq_maybe_stop(txq->nq, hwl_txq_unused(txq), HWL_TX_STOP, HWL_TX_START);
 *   src/hwl_tx.c: hwl_tx_xmit(): if (__netdev_tx_sent_queue(txq->nq, bytes, netdev_xmit_more()) || stopped) hwl_txq_kick(txq);
 *   src/hwl_tx.c: hwl_tx_xmit(): if (!netdev_xmit_more()) hwl_txq_kick(txq);
 *   include/hwl_txfill.h: hwl_txq_publish(): first->ndesc = cur->prod - txq->prod;
 *   include/hwl_txfill.h: hwl_txq_set_rs(): u32 eop = hwl_ring_prev(txq->slot, ring->count);
 *   include/hwl_txfill.h: hwl_txq_set_rs(): ring->buf[txq->rs_first].rs_slot = eop; txq->rs_first = txq->slot; smp_store_release(&txq->rs_prod, txq->prod);
 *   include/hwl_txfill.h: hwl_txq_kick(): if (txq->rs_prod == txq->prod) return; hwl_txq_set_rs(txq); writel(txq->slot, txq->tail);
 *   include/hwl_txfill.h: hwl_txq_publish(): if (txq->prod - txq->rs_prod >= HWL_TX_RS_THRESH) hwl_txq_set_rs(txq); cur->desc->lower |= cpu_to_le32(HWL_TXD_EOP);
 *   src/hwl_txclean.c: hwl_txq_reclaim(): while (cons != rs_prod) { u32 rs_slot = txq->ring.buf[slot].rs_slot; u32 end = hwl_ring_next(rs_slot, txq->ring.count); if (!hwl_tx_desc_done(txq, rs_slot)) break;
 *   src/hwl_txclean.c: hwl_txq_reclaim(): while (slot != end)
 *   src/hwl_txclean.c: hwl_txq_reclaim(): txq->cslot = slot; smp_store_release(&txq->cons, cons);
 *   src/hwl_txclean.c: __hwl_txq_clean(): if (!__netif_txq_completed_wake(txq->nq, done.skbs, done.skb_bytes, hwl_txq_unused(txq), HWL_TX_START, hwl_tx_wake_blocked(txq->ad)))
 *   src/hwl_txclean.c: hwl_txq_drain(): __hwl_txq_clean(txq, 0, true); slot = txq->cslot; while (txq->cons != txq->prod)
 *   src/hwl_txclean.c: hwl_txq_drain(): WRITE_ONCE(txq->prod, 0); WRITE_ONCE(txq->cons, 0); txq->slot = 0; txq->cslot = 0; txq->rs_prod = 0; txq->rs_first = 0;
 *   src/hwl_napi.c: hwl_poll(): if (napi_complete_done(napi, done)) hwl_wr32(pair->hw, HWL_IMS, pair->rearm);
 *   src/hwl_irq.c: hwl_irq_queue(): napi_schedule_irqoff(&pair->napi);
 *   src/hwl_watchdog.c: hwl_watch_tx(): bool waits = cons != READ_ONCE(txq->prod); bool waited = txq->waited && cons == txq->seen;
 *   src/hwl_watchdog.c: hwl_watch_tx_state(): if (hwl_txq_done(txq)) return HWL_TX_DONE;
 *   src/hwl_watchdog.c: hwl_watch_tx_stalled(): if (txq->stuck == HWL_STUCK_POLL)
 *   src/hwl_watchdog.c: hwl_watch_tx(): case HWL_TX_DONE: txq->stuck = 0; txq_trans_cond_update(txq->nq); if (hwl_watch_missed_irq(pair, "tx")) hwl_irq_every_wb(ad); break;
 *   src/hwl_txclean.c: hwl_txq_done(): return rs_prod != READ_ONCE(txq->cons) && hwl_tx_desc_done(txq, READ_ONCE(txq->ring.buf[slot].rs_slot));
 *   src/hwl_reset.c: hwl_stop(): netif_tx_disable(ad->netdev); hwl_reset_answered(ad); hwl_irq_disable(ad); hwl_watchdog_stop(ad); hwl_irq_napi_disable(ad); cancel_work_sync(&ad->link_work); netif_tx_disable(ad->netdev); hwl_stamp_stop(ad); return hwl_reset_device(ad);
 *   src/hwl_reset.c: hwl_restart(): hwl_drain(ad);
 *   src/hwl_reset.c: hwl_drain(): hwl_txq_drain(&ad->pair[q]->txq);
 *   src/hwl_reset.c: hwl_start(): hwl_filter_start(ad); hwl_irq_napi_enable(ad);
 *   src/hwl_reset.c: hwl_start(): hwl_irq_enable(ad); hwl_watchdog_start(ad);
 *   linux/include/net/netdev_queues.h: netif_txq_try_stop(): if (unlikely(get_desc >= start_thrs))
 *   linux/include/net/netdev_queues.h: __netif_txq_completed_wake(): if (pkts && likely(get_desc >= start_thrs))
 *   linux/net/core/dev.c: napi_complete_done(): if (unlikely(val & NAPIF_STATE_MISSED))
 *   linux/net/core/dev.c: napi_schedule_prep(): if (unlikely(val & NAPIF_STATE_DISABLE)) return false;
 *
 * Mutants, each a -D switch, are in run.py with what must find them.
 */

#ifdef FAULTS
#define COUNT	3
#define WRAP	3
#define LARGEST	1			/* descriptors of the largest packet */
#define THRESH	WRAP			/* no bursts */
#else
#define COUNT	4
#define WRAP	6
#define LARGEST	2
#define THRESH	2
#endif

#ifdef M_NO_SLOT_KEPT
#define RESERVED 0
#else
#define RESERVED 1
#endif
#ifdef M_STOP_LATE
#define STOP	(LARGEST - 1)
#define START	STOP
#else
#define STOP	LARGEST
#define START	(LARGEST + 1)
#endif

#define USED(p, c)	(((p) + WRAP - (c)) % WRAP)
#define UNUSED		(COUNT - RESERVED - USED(prod, cons))
#define NEXT(s)		(((s) + 1) % COUNT)
#define PREV(s)		(((s) + COUNT - 1) % COUNT)

/* The ring; skb: 0 none, 1 a packet, 2 the packet that is followed to its end. */
byte prod, cons, pslot, cslot, rs_prod, rs_first;
byte skb[COUNT], ndesc[COUNT], rs_slot[COUNT];
bit filled[COUNT], rs[COUNT], dd[COUNT];

/* The stack's queue. */
bit xoff, txlock, txwait;

/* The device and its interrupt. */
byte head, tail;
bit on = 1, hung, icr, ims = 1, msg;

/* NAPI. */
bit sched, missed, disabled, poll;

/* Watchdog and reset. */
bit down, tick_stop, stuck, reset;

/* The packet that is followed. */
bit sent, done;

inline napi_schedule()
{
	atomic {
		if
		:: disabled -> skip
#ifdef M_NO_MISSED
		:: !disabled && sched -> skip
#else
		:: !disabled && sched -> missed = 1
#endif
		:: !disabled && !sched -> sched = 1; poll = 1
		fi
	}
}

/* In an atomic step: the device sends a message, which masks and clears the cause. */
inline raise()
{
	if
	:: icr && ims ->
#ifdef FAULTS
		if
		:: napi_schedule()
		:: skip			/* lost */
		fi;
#else
		msg = 1;
#endif
		ims = 0;
		icr = 0
	:: else -> skip
	fi
}

/* In an atomic step. */
inline set_rs()
{
	rs[PREV(pslot)] = 1;
	rs_slot[rs_first] = PREV(pslot);
#ifndef M_RS_FIRST_STAYS
	rs_first = pslot;
#endif
	rs_prod = prod
}

inline kick()
{
	atomic {
		if
		:: rs_prod != prod ->
			set_rs();
			tail = pslot
		:: else -> skip
		fi
	}
}

/* One step: nobody looks at a slot before prod and tail. */
inline fill()
{
	n = 0;
	do
	:: n < want ->
		assert(!filled[(pslot + n) % COUNT]);
		filled[(pslot + n) % COUNT] = 1;
		rs[(pslot + n) % COUNT] = 0;
		dd[(pslot + n) % COUNT] = 0;
		n++
	:: else -> break
	od;
	n = 0;
	assert(skb[pslot] == 0);
	skb[pslot] = 1;
	ndesc[pslot] = want
}

active proctype Sender()
{
	byte want, n;
	bit more, second, stopped, dropped;

	do
#ifdef FOLLOW
	:: sent -> break		/* it must end even if nothing more is sent */
#endif
	:: atomic { !txlock && !txwait && !xoff -> txlock = 1 };
burst:
		/* Full while awake: the poll looked for room, then at the queue, and the sender filled
		 * the ring and stopped in between. Nothing breaks, since room is looked for first.
		 */
#ifdef NEVER_BUSY
		assert(UNUSED >= STOP);
#endif
#ifndef M_NO_CHECK_FIRST
		if
		:: UNUSED < STOP ->
			xoff = 1;
#ifdef M_NO_RECHECK_FIRST
			kick();
			goto unlock
#else
			if
			:: UNUSED >= START -> xoff = 0
			:: else -> kick(); goto unlock
			fi
#endif
		:: else -> skip
		fi;
#endif
		atomic {
			if
			:: want = 1
#if LARGEST > 1
			:: want = LARGEST
#endif
			fi;
#ifndef FAULTS
			if
			:: more = 0
			:: !second -> more = 1
			fi;
			second = more;
			if
			:: dropped = 0
			:: dropped = 1
			fi
#endif
		}
		stopped = 0;
		if
		:: dropped ->
#ifdef M_NO_KICK_AFTER_DROP
			goto unlock;
#else
			if
			:: more -> goto burst
			:: else -> kick(); goto unlock
			fi
#endif
		:: else -> skip
		fi;

#ifndef M_RS_BEHIND
		atomic {
			if
			:: USED(prod, rs_prod) >= THRESH -> set_rs()
			:: else -> skip
			fi
		};
#endif
		atomic {
			fill();
#ifdef FOLLOW
			if
			:: !sent -> sent = 1; skb[pslot] = 2
			:: skip
			fi;
#endif
			pslot = (pslot + want) % COUNT;
			prod = (prod + want) % WRAP;
			assert(USED(prod, cons) < COUNT)
		};
#ifdef M_RS_BEHIND
		/* The doorbell takes RS for a sign that there is nothing new. */
		atomic {
			if
			:: USED(prod, rs_prod) >= THRESH -> set_rs()
			:: else -> skip
			fi
		};
#endif

		if
		:: UNUSED < STOP ->
			xoff = 1;
			stopped = 1;
#ifndef M_NO_RECHECK_BEHIND
			if
			:: UNUSED >= START -> xoff = 0; stopped = 0
			:: else -> skip
			fi
#endif
		:: else -> skip
		fi;
		if
#ifdef M_NO_KICK_WHEN_STOPPED
		:: !more -> kick()
#else
		:: !more || stopped -> kick()
#endif
		:: else -> skip
		fi;
		/* The stack goes on with a burst unless the queue was stopped. */
		if
		:: more && !xoff -> goto burst
		:: else -> skip
		fi;
unlock:
		atomic {
			assert(tail == pslot);
			txlock = 0;
			want = 0; more = 0; second = 0; stopped = 0; dropped = 0
		}
	od
}

active proctype Device()
{
end:
	do
	:: atomic { on && !hung && head != tail ->
			assert(filled[head]);
			if
			:: rs[head] -> dd[head] = 1; icr = 1; raise()
			:: else -> skip
			fi;
			head = NEXT(head)
		}
#ifdef FAULTS
	:: atomic { on && !hung && head != tail -> hung = 1 }
#endif
	od
}

#ifndef FAULTS
/* The handler, on whatever CPU. */
active proctype Interrupt()
{
end:
	do
	:: atomic { msg -> msg = 0; napi_schedule() }
	od
}
#endif

#ifdef RECEIVE
/* The other vector of the pair, which schedules the same poll. */
active proctype Receive()
{
	if
	:: napi_schedule()
	:: skip
	fi
}
#endif

/* One packet leaves the ring. */
inline release(s)
{
	assert(skb[s] != 0);
	assert(!(skb[s] == 2 && done));
	if
	:: skb[s] == 2 -> done = 1
	:: else -> skip
	fi;
	skb[s] = 0;
	k = 0;
	do
	:: k < ndesc[s] -> filled[(s + k) % COUNT] = 0; rs[(s + k) % COUNT] = 0; k++
	:: else -> break
	od;
	/* Not needed, but fewer states. */
	ndesc[s] = 0;
	rs_slot[s] = 0;
	k = 0
}

inline clean()
{
	atomic { p = rs_prod; c = cons; s = cslot; any = 0 };
	do
	:: c != p && dd[rs_slot[s]] ->
		d_step {
			e = NEXT(rs_slot[s]);
			do
			:: s != e ->
				n = ndesc[s];
				release(s);
				c = (c + n) % WRAP;
				s = (s + n) % COUNT
			:: else -> break
			od;
			e = 0;
			n = 0;
			any = 1
		}
	:: else -> break
	od;
	if
	:: any ->
		cslot = s;
#ifndef M_CONS_LATE
		cons = c;
#endif
		if
		:: UNUSED >= START ->
			if
			:: xoff -> wake()
			:: else -> skip
			fi
		:: else -> skip
		fi;
#ifdef M_CONS_LATE
		cons = c
#endif
	:: else -> skip
	fi;
	d_step { p = 0; c = 0; s = 0; any = 0 }
}

inline wake()
{
#ifndef M_NO_WAKE
#ifdef M_WAKE_WHEN_DOWN
	xoff = 0
#else
	if
	:: !down -> xoff = 0
	:: else -> skip
	fi
#endif
#else
	skip
#endif
}

active proctype Poll()
{
	byte p, c, s, e, n, k;
	bit any, rearm;

end:
	do
	:: atomic { poll -> poll = 0 };
		clean();
		atomic {
			if
			:: missed -> missed = 0; poll = 1
			:: else -> sched = 0; rearm = 1
			fi
		};
		if
		:: rearm ->
#ifndef M_NO_REARM
			atomic {
				ims = 1;
#ifndef M_REARM_RAISES_NOTHING
				raise()
#endif
			}
#endif
			rearm = 0
		:: else -> skip
		fi
	od
}

#ifdef FAULTS

/* The device has finished what the poll has not reclaimed. */
#define DONE	(cons != rs_prod && dd[rs_slot[cslot]])

/* A look is one step: it only reads, and asks. It may come too early, so progress since the last look
 * and the longer wait for a device that has fetched all are left out.
 */
active proctype Watchdog()
{
end:
	do
	:: atomic { !tick_stop && cons == prod && stuck -> stuck = 0 }
	:: atomic { !tick_stop && cons != prod && !stuck ->
			stuck = 1;
#ifndef M_NO_WATCHDOG_POLL
			napi_schedule()
#endif
		}
#ifndef M_NO_POLL_WHEN_DONE
	:: atomic { !tick_stop && cons != prod && stuck && DONE && !sched && !disabled ->
			napi_schedule()
		}
#endif
#ifndef M_NO_WATCHDOG_RESET
	:: atomic { !tick_stop && cons != prod && stuck && !DONE && !down && !reset -> reset = 1 }
#endif
	od
}

/* The core's lock is a fair one: who waits is let in. */
inline tx_disable()
{
#ifdef M_DISABLE_WITHOUT_LOCK
	xoff = 1
#else
	txwait = 1;
	atomic { !txlock -> txlock = 1; txwait = 0 };
	xoff = 1;
	txlock = 0
#endif
}

active proctype Reset()
{
	byte p, c, s, e, n, k;
	bit any;

end:
	do
	:: atomic { reset -> reset = 0 };
		/* Stop. */
		down = 1;
#ifndef M_NO_DISABLE
		tx_disable();
#endif
		ims = 0;
		tick_stop = 1;
#ifndef M_NO_NAPI_DISABLE
		disabled = 1;
		atomic { !sched -> sched = 1 };
		disabled = 0;
#endif
#if !defined(M_NO_DISABLE) && !defined(M_NO_SECOND_DISABLE)
		tx_disable();
#endif
		atomic { on = 0; hung = 0; icr = 0; ims = 0; head = 0; tail = 0 };

		/* Drain. */
		clean();
#ifndef M_NO_DRAIN
		atomic {
			s = cslot;
			do
			:: cons != prod ->
				c = ndesc[s];
				cons = (cons + c) % WRAP;
				release(s);
				s = (s + c) % COUNT
			:: else -> break
			od
		};
#endif
		atomic {
			prod = 0; cons = 0; pslot = 0; cslot = 0; rs_first = 0;
#ifndef M_RS_PROD_STAYS
			rs_prod = 0;
#endif
			stuck = 0; s = 0; c = 0
		};

		/* Start. */
		on = 1;
		down = 0;
#ifndef M_NO_NAPI_DISABLE
		sched = 0;
#endif
		napi_schedule();
		atomic { ims = 1; raise() };
#ifndef M_NO_WAKE_AFTER_RESET
		xoff = 0;
#endif
		tick_stop = 0
	od
}

#endif

#ifdef FOLLOW
ltl ends { [] (sent -> <> done) }
#else
ltl awake { [] <> !xoff }
#endif
