/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The device as a whole: what the chapters (one .c file each) share.
 *
 * One lock, dev->lock, guards all of it. Four threads take it: the transport
 * (register accesses), the engine (timers, transmit, write-backs), the cable
 * (arriving frames) and the control socket (commands). None sleeps or blocks in a
 * system call with it held.
 */
#ifndef MODEL_H
#define MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "hw.h"

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

#define NS_PER_US	1000ULL
#define NS_PER_MS	1000000ULL
#define NS_PER_S	1000000000ULL
#define NEVER		UINT64_MAX

#define QUEUES		2
#define MAX_VECTORS	5
#define FRAME_MAX	16384		/* a segment or frame inside the device */
#define PKT_MAX		(256 * 1024)	/* a whole packet before segmentation */

struct dev;
struct departure;

/* ---- Time: one-shot timers, run by the engine ---- */

enum timer_id {
	TIMER_RESET,		/* EECD.AUTO_RD comes back */
	TIMER_PHY_CFG,		/* the PHY's part of the NVM was read */
	TIMER_MDIC,
	TIMER_EERD,
	TIMER_FLASH,
	TIMER_AUTONEG,
	TIMER_VECTOR,		/* one per vector: EITR has expired */
	TIMER_VECTOR_END = TIMER_VECTOR + MAX_VECTORS - 1,
	TIMER_TIDV,		/* one per queue */
	TIMER_TIDV_END = TIMER_TIDV + QUEUES - 1,
	TIMER_TADV,
	TIMER_TADV_END = TIMER_TADV + QUEUES - 1,
	TIMER_RDTR,
	TIMER_RDTR_END = TIMER_RDTR + QUEUES - 1,
	TIMER_RADV,
	TIMER_RADV_END = TIMER_RADV + QUEUES - 1,
	TIMER_TX,		/* the engine waits for something */
	TIMER_WIRE,		/* the frame on the wire has ended */
	TIMER_PAUSED,		/* the partner's pause has ended */
	TIMER_XOFF,		/* repeat our own */
	TIMER_RXO,
	TIMER_FAULT,		/* the next line of the script */
	TIMER_FAULT_END,	/* one per fault of limited time */
	TIMER_FAULT_LAST = TIMER_FAULT_END + 31,
	TIMER_SPURIOUS,
	TIMER_FIRMWARE,		/* it takes or leaves PHY and NVM */
	TIMERS,
};

struct timer {
	u64 at;
	void (*fn)(struct dev *dev, int arg);
	int arg;
};

/* ---- Memory of the host, as mapped ---- */

#define DMA_REGIONS	64

struct dma_region {
	u64 addr, size;
	u8 *ptr;		/* NULL: announced without a file */
	bool writable;
};

/* ---- Rings ---- */

#define RING_CACHE	64

struct desc {
	u64 lo;
	u64 hi;
};

/*
 * A ring as the device sees it. Free of the register file: ring.c reads base,
 * length and tail from there, and keeps the head there. Slots [done, head) are
 * in the on-chip cache or being worked on; 'cache' holds those of [next, head),
 * by free-running counters.
 */
struct ring {
	u32 base_reg;		/* RDBAL or TDBAL; the others follow */
	u32 next;		/* next slot to work on */
	u32 done;		/* oldest slot not yet written back */
	u32 tail_seen;		/* the last valid tail */
	bool used;		/* descriptors were handed over since the reset */
	bool judged;		/* so were its base and length */
	u32 odd_base, odd_len;	/* bits that were written, and are none */
	u32 fetched, taken;	/* counters: into the cache, and out of it */
	struct desc cache[RING_CACHE];
};

/* ---- Frames inside the device ---- */

struct frame {
	struct frame *next;
	u32 len;		/* without FCS */
	u32 flags;
	u32 rss_type, hash;	/* receive: set when it was classified */
	u32 status;		/* receive: bits of the write-back */
	u16 vlan;		/* the tag that was taken out */
	u8 queue;
	bool no_desc;		/* receive: RNBC has counted it */
	u8 data[];
};

#define FRAME_CRC	0x01	/* damaged on the way: CRC */
#define FRAME_ALIGN	0x02	/* ... alignment */
#define FRAME_SYMBOL	0x04	/* ... symbol error */
#define FRAME_LOOP	0x08	/* our own, looped back */
#define FRAME_STAMP	0x20	/* sent with TSTAMP */
#define FRAME_BAD_FCS	0x10	/* sent without IFCS: the partner drops it */
#define FRAME_SHORT	0x40	/* cut on the way; and, cut or grown, is as long as it is */
#define FRAME_LONG	0x80
#define FRAME_BAD	(FRAME_CRC | FRAME_ALIGN | FRAME_SYMBOL | FRAME_SHORT | FRAME_LONG)

struct fifo {
	struct frame *first, **last;
	u32 bytes, frames;
};

/* ---- Transmit ---- */

struct tx_ctx {
	u8 ipcss, ipcso, tucss, tucso, hdrlen;
	u16 ipcse, tucse, mss;
	u32 paylen;
	bool tcp, ipv4;
	int queue;		/* who loaded it; -1: nobody */
};

/* A descriptor that was read and is not written back, in the ring's order. */
struct wb {
	u32 slot;
	bool rs, ide;
	struct desc was;	/* as the host handed it over */
	u64 lo, hi;		/* as it goes back */
};

struct txq {
	struct ring ring;
	u8 *pkt;		/* data of the packet being read */
	u32 len;
	u32 seg;		/* segmentation: payload bytes already sent */
	bool open;		/* its first descriptor was read */
	bool ready;		/* its last one was, too */
	bool tse, ifcs, vle, ixsm, txsm, legacy_csum, stamp;
	bool after_tse;		/* the last packet was segmented */
	struct tx_ctx ctx;	/* as of its first descriptor */
	u8 cso, css;
	u16 vlan;
	struct wb list[2 * RING_CACHE];	/* of this packet */
	u32 listed;
	struct wb wb[8 * RING_CACHE];	/* completed, not written back */
	u32 wbs;
	bool irq_due;		/* written back; the interrupt is delayed */
	u32 credit;		/* arbitration */
	bool hung;
	u64 late_addr, late_at;	/* data that is read after its DD */
	u32 late_len;
};

struct tx {
	struct txq q[QUEUES];
	struct tx_ctx ctx[QUEUES];	/* see tx_ctx_of() */
	struct fifo fifo;
	int turn;
	int current;		/* queue in the middle of a packet, or -1 */
	u64 wire_free;		/* when the frame on the wire ends */
	u64 paused_until;
	u64 good_until;		/* frames sent before it was set up to hang */
	u64 fpd_at;		/* when the last forced flush was asked for */
};

/* ---- Receive ---- */

struct rxq {
	struct ring ring;
	struct wb wb[RING_CACHE];
	u32 wbs;
	bool irq_due;
};

struct rx {
	struct rxq q[QUEUES];
	struct fifo pb;
	u64 fpd_at;
	bool xoff;		/* we have paused the partner */
	bool was_enabled;	/* RCTL.EN fell; a reset is due before it rises */
	bool dead;		/* it rose without one */
};

/* ---- Interrupts ---- */

enum irq_mode {
	IRQ_INTX,
	IRQ_MSI,
	IRQ_MSIX,
};

struct irq {
	int fd[3][MAX_VECTORS];	/* by vfio index: INTx, MSI, MSI-X */
	enum irq_mode mode;
	u32 active;		/* ICR & IMS as last seen */
	u32 pending[MAX_VECTORS];	/* causes whose message is due */
	u64 next[MAX_VECTORS];	/* EITR: not before */
	bool line_masked;	/* INTx: the host has not taken note yet */
	u64 sent[MAX_VECTORS];
	u64 last[MAX_VECTORS];	/* when that was */
	u64 gap[MAX_VECTORS];	/* the shortest since somebody asked */
};

/* ---- PHY ---- */

#define PHY_PAGES	8

struct phy {
	u16 reg[PHY_PAGES][32];
	bool link, duplex, downshifted;
	int speed;		/* 10, 100, 1000 */
	bool negotiating;
	bool link_was_lost;	/* and BMSR was not read since */
	u32 mdic;		/* the access under way */
	u64 config_until;	/* reads its part of the NVM until then */
	u64 reset_at;		/* CTRL.PHY_RST was set */
	bool hw_reset;		/* ... and it is not configured anew yet */
	u16 scr;		/* register 16 as of the last reset */
	u32 frames;		/* that have passed since a reset, with the switch on */
	bool hung;
};

/* ---- The cable and the partner ---- */

struct wire {
	int listen_fd, fd;
	bool plugged, bad;	/* bad: no good for 1000 Mb/s */
	u32 advertise;		/* speeds and duplex of the partner: PARTNER_* */
	bool pause, asym;
	bool obeys;		/* pause frames of ours: so it was agreed */
	u32 scale;		/* a second of the wire takes so many seconds / 100 */
	u64 autoneg_ns;
	u64 partner_paused;	/* until then */
	u64 rx_free;		/* when the last frame has arrived */
	u32 damage, damage_every, seen;
	u8 out[4 + FRAME_MAX];	/* not yet taken by the socket */
	size_t out_len, out_at;
	/* Its own books, to compare with the device's. */
	u64 sent;		/* frames that the device put on the wire */
	u64 received;		/* frames that arrived at the device */
	u64 lost;		/* of these: the receiver was off */
	u64 overrun;		/* of these: no room in the packet buffer */
	u64 no_link, bad_fcs, runts, pauses;
};

#define PARTNER_10HD	0x01
#define PARTNER_10FD	0x02
#define PARTNER_100HD	0x04
#define PARTNER_100FD	0x08
#define PARTNER_1000FD	0x20

/* ---- The whole ---- */

struct options {
	const char *socket, *wire, *control, *log, *trace, *faults, *times;
	u8 mac[6];
	int vectors;
	bool flash;
	u32 master_delay_us;
	u32 mdio_us;
	u32 read_us;
};

struct dev {
	pthread_mutex_t lock;
	pthread_cond_t work;	/* for the engine */
	pthread_cond_t arrive;	/* for the cable's thread */
	int waiting;		/* threads that want the lock: atomic */
	bool quit;
	bool kicked;		/* there is work for the engine */
	struct options opt;
	FILE *log, *trace;
	u64 start;

	u32 reg[REG_SPACE / 4];
	u8 config[4096];
	u16 nvm[NVM_WORDS];	/* of flash the shadow RAM */
	u16 flash[NVM_WORDS];
	u16 flash_next[NVM_WORDS];	/* as of EECD.FLUPD, not yet in it */

	struct timer timer[TIMERS];
	struct dma_region dma[DMA_REGIONS];
	int dmas;

	struct tx tx;
	struct rx rx;
	struct irq irq;
	struct phy phy;
	struct wire wire;

	bool d3;
	u64 pmes;		/* how often PME was asserted */
	bool in_reset;		/* from CTRL.RST to EECD.AUTO_RD */
	u64 answers_at;		/* reads return ones until then */
	u32 pba;		/* as of the last reset */
	u64 master_off;		/* when STATUS.GIO_MASTER_ENABLE falls */
	bool strict_due, strict_rx_due;	/* see strict_tail() */
	u32 unflushed;		/* RAL, RAH or HICR: was written, nothing read since */
	bool nvm_read_once;
	u64 eerd;		/* the access under way: register << 32 | value */

	u64 systim_base, systim_at;
	u32 systim_reads;
	struct departure *departures;	/* see ptp.c */

	u32 errata;		/* switches: bits of enum erratum */
	u32 fault;		/* active faults: bits of enum fault_id */
	u32 fault_arg[32];
	u32 desc_seed, data_seed, firmware_seed;
	u32 refused;		/* PHY and NVM, to software */
	u32 offences;
};

/* clock.c */
u64 now_ns(void);
void timer_set(struct dev *dev, enum timer_id id, u64 at,
	       void (*fn)(struct dev *dev, int arg), int arg);
void timer_stop(struct dev *dev, enum timer_id id);
u64 timers_run(struct dev *dev);
bool timer_armed(const struct dev *dev, enum timer_id id);
void dev_lock(struct dev *dev);
void dev_unlock(struct dev *dev);
void engine_wake(struct dev *dev);
void *engine_thread(void *arg);

/* log.c */
void note(struct dev *dev, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void trace(struct dev *dev, const char *what, u32 off, u32 value);

/* dma.c */
int dma_map(struct dev *dev, u64 addr, u64 size, u64 offset, int fd, bool writable);
int dma_unmap(struct dev *dev, u64 addr, u64 size);
void dma_unmap_all(struct dev *dev);
bool dma_read(struct dev *dev, u64 addr, void *to, u32 len);
bool dma_write(struct dev *dev, u64 addr, const void *from, u32 len);
bool dma_write_desc(struct dev *dev, u64 addr, u64 lo, u64 hi);

/* regmap.c */
#define REG_KEEP	0x01	/* survives CTRL.RST */
#define REG_RO		0x02
#define REG_W1C		0x04
#define REG_STAT	0x08	/* counter: cleared by a read, sticks at ones */
#define REG_AUX		0x10	/* survives all but the loss of auxiliary power */

struct reg {
	const char *name;
	u32 off;
	u16 count, stride;	/* of an array; 0 and 0 otherwise */
	u32 reset;
	u32 write;		/* bits that software can change */
	u32 zero;		/* reserved: software sets none */
	u32 flags;
	u32 (*rd)(struct dev *dev, u32 off);
	void (*wr)(struct dev *dev, u32 off, u32 value);
};

extern const struct reg regmap[];
extern const size_t regmap_len;

/* regs.c */
void regs_init(void);
u32 reg_read(struct dev *dev, u32 off);
void reg_write(struct dev *dev, u32 off, u32 value);
void regs_reset(struct dev *dev, bool power_on);
const char *reg_name(u32 off);

static inline u32 rd(const struct dev *dev, u32 off)
{
	return dev->reg[off / 4];
}

static inline void wr(struct dev *dev, u32 off, u32 value)
{
	dev->reg[off / 4] = value;
}

/* mac.c */
void mac_reset(struct dev *dev);
void mac_power_on(struct dev *dev);
void mac_link(struct dev *dev);
int mac_speed(const struct dev *dev);
bool mac_mismatch(const struct dev *dev);
u64 mac_pause_ns(const struct dev *dev, u32 quanta);
bool mac_master(struct dev *dev);
u32 ctrl_read(struct dev *dev, u32 off);
void ctrl_write(struct dev *dev, u32 off, u32 value);
u32 status_read(struct dev *dev, u32 off);
void ctrl_ext_write(struct dev *dev, u32 off, u32 value);
void extcnf_write(struct dev *dev, u32 off, u32 value);
u32 swsm_read(struct dev *dev, u32 off);
void swsm_write(struct dev *dev, u32 off, u32 value);
void rar_write(struct dev *dev, u32 off, u32 value);
void pba_write(struct dev *dev, u32 off, u32 value);

/* irq.c */
void irq_raise(struct dev *dev, u32 causes);
void irq_update(struct dev *dev);
void irq_reset(struct dev *dev);
void irq_set_mode(struct dev *dev);
void irq_unmask_line(struct dev *dev);
void irq_spurious(struct dev *dev);
u32 icr_read(struct dev *dev, u32 off);
void icr_write(struct dev *dev, u32 off, u32 value);
u32 ics_read(struct dev *dev, u32 off);
void ics_write(struct dev *dev, u32 off, u32 value);
void ims_write(struct dev *dev, u32 off, u32 value);
void imc_write(struct dev *dev, u32 off, u32 value);
void irq_config_write(struct dev *dev, u32 off, u32 value);

/* ring.c */
void ring_init(struct ring *ring, u32 base_reg);
void ring_reset(struct ring *ring);
u32 ring_count(const struct dev *dev, const struct ring *ring);
u32 ring_head(const struct dev *dev, const struct ring *ring);
u32 ring_left(const struct dev *dev, const struct ring *ring);
u32 ring_cached(const struct dev *dev, const struct ring *ring);
bool ring_fetch(struct dev *dev, struct ring *ring, u32 xdctl);
bool ring_next(struct dev *dev, struct ring *ring, u32 *slot, struct desc *desc);
bool ring_check(struct dev *dev, const struct ring *ring, u32 slot, const struct desc *was);
bool ring_write_back(struct dev *dev, struct ring *ring, u32 slot,
		     const struct desc *was, u64 lo, u64 hi);
u32 ring_head_read(struct dev *dev, u32 off);
void ring_base_write(struct dev *dev, u32 off, u32 value);
void ring_tail_write(struct dev *dev, u32 off, u32 value);

static inline u32 xdctl_wthresh(u32 xdctl)
{
	return XDCTL_WTHRESH(xdctl) * (xdctl & XDCTL_GRAN ? 1 : 16);
}

/* frame.c */
struct frame *frame_new(u32 len);
void fifo_init(struct fifo *fifo);
void fifo_put(struct fifo *fifo, struct frame *frame);
struct frame *fifo_get(struct fifo *fifo);
void fifo_clear(struct fifo *fifo);

/* tx.c */
void tx_init(struct dev *dev);
bool tx_used(const struct dev *dev);
void tx_reset(struct dev *dev);
bool tx_run(struct dev *dev);
void tx_wire(struct dev *dev, int arg);
u32 tx_fifo_size(const struct dev *dev);
struct tx_ctx *tx_ctx_of(struct dev *dev, const struct txq *q);
void tx_flush(struct dev *dev);
void tctl_write(struct dev *dev, u32 off, u32 value);
void txdctl_write(struct dev *dev, u32 off, u32 value);
void tidv_write(struct dev *dev, u32 off, u32 value);

/* offload.c */
void tx_checksums(struct txq *q, u8 *data, u32 len);
struct frame *tx_segment(struct dev *dev, struct txq *q);
struct frame *tx_plain(struct dev *dev, struct txq *q);
u32 sum_bytes(const u8 *data, u32 len, u32 sum);
u16 sum_fold(u32 sum);

/* rx.c */
void rx_init(struct dev *dev);
void rx_reset(struct dev *dev);
void rx_arrive(struct dev *dev, struct frame *frame);
void rx_run(struct dev *dev);
bool rx_split(const struct dev *dev);
bool rx_used(const struct dev *dev);
void rfctl_write(struct dev *dev, u32 off, u32 value);
void psrctl_write(struct dev *dev, u32 off, u32 value);
void rctl_write(struct dev *dev, u32 off, u32 value);
void rxdctl_write(struct dev *dev, u32 off, u32 value);
void rdtr_write(struct dev *dev, u32 off, u32 value);
void rx_pause_update(struct dev *dev);

/* classify.c */
bool rx_accept(struct dev *dev, const struct frame *frame);
bool rx_own_address(const struct dev *dev, const u8 *mac);
void rx_classify(struct dev *dev, struct frame *frame);

/* phy.c */
void phy_init(struct dev *dev);
bool phy_configuring(const struct dev *dev);
void phy_hw_reset(struct dev *dev);
void phy_hw_reset_end(struct dev *dev);
void phy_configure(struct dev *dev, u64 takes);
void phy_renegotiate(struct dev *dev);
bool phy_loopback(const struct dev *dev);
bool phy_passes(struct dev *dev);
void mdic_write(struct dev *dev, u32 off, u32 value);

/* ptp.c */
u32 systim_read(struct dev *dev, u32 off);
void timinca_write(struct dev *dev, u32 off, u32 value);
void systim_write(struct dev *dev, u32 off, u32 value);
u32 stamp_read(struct dev *dev, u32 off);
int ptp_open(struct dev *dev);
void ptp_sent(struct dev *dev, const struct frame *f);
void ptp_arrived(struct dev *dev, struct frame *f);
void ptp_reset(struct dev *dev);

/* nvm.c */
void nvm_init(struct dev *dev);
void nvm_set(struct dev *dev, u32 word, u16 value);
void nvm_load_mac(struct dev *dev);
void nvm_reload(struct dev *dev);
void hicr_write(struct dev *dev, u32 off, u32 value);
void eerd_write(struct dev *dev, u32 off, u32 value);
void eewr_write(struct dev *dev, u32 off, u32 value);
void eecd_write(struct dev *dev, u32 off, u32 value);

/* stats.c */
void stat_add(struct dev *dev, u32 off, u64 n);
u32 stat_read(struct dev *dev, u32 off);
u32 stat_read_low(struct dev *dev, u32 off);
u32 stat_read_high(struct dev *dev, u32 off);
void stats_tx(struct dev *dev, const struct frame *frame);
void stats_rx(struct dev *dev, const struct frame *frame);

/* wake.c */
void wake_frame(struct dev *dev, const struct frame *frame);
void wake_link(struct dev *dev);

/* pcie.c */
void pcie_init(struct dev *dev);
void pcie_reset(struct dev *dev);
bool pcie_pme(struct dev *dev);
void pcie_read(struct dev *dev, u32 off, void *to, u32 len);
void pcie_write(struct dev *dev, u32 off, const void *from, u32 len);
bool pcie_master(const struct dev *dev);
bool pcie_intx(const struct dev *dev);
bool pcie_memory(const struct dev *dev);
bool pcie_aspm(const struct dev *dev);

/* wire.c */
int unix_listen(const char *path);
int wire_open(struct dev *dev);
void *wire_thread(void *arg);
bool wire_send(struct dev *dev, struct frame *frame);
bool wire_flush(struct dev *dev);
u64 wire_time(const struct dev *dev, u32 len);
void wire_pause(struct dev *dev, u32 quanta);
void wire_plug(struct dev *dev, bool plugged);
void wire_partner_sends(struct dev *dev, struct frame *frame);

/* control.c */
#define SCALE_MAX	1000000

bool number(const char *word, u32 max, u32 *value);
int control_begin(struct dev *dev);
void control_end(struct dev *dev);
bool control_known(const char *command);
void control_command(struct dev *dev, char *line, char *answer, size_t size);

/* vfio_user.c */
int vfio_user_serve(struct dev *dev);

#include "faults.h"

#endif /* MODEL_H */
