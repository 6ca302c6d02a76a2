// SPDX-License-Identifier: GPL-2.0
/*
 * Self-test (ethtool -t).
 *
 * Offline tests run with the netdev detached, as for suspend, so that its state
 * is restored afterwards. They share nothing with the data path: the loopback
 * test has its own rings, the interrupt test its own handlers.
 */
#include <linux/bitfield.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/dma-mapping.h>
#include <linux/etherdevice.h>
#include <linux/interrupt.h>
#include <linux/iopoll.h>

#include "hwl.h"
#include "hwl_irq.h"
#include "hwl_nvm.h"
#include "hwl_open.h"
#include "hwl_phy.h"
#include "hwl_selftest.h"

const char * const hwl_selftest_names[HWL_TEST_NUM] = {
	[HWL_TEST_REGS]		= "Registers (offline)",
	[HWL_TEST_IRQ]		= "Interrupts (offline)",
	[HWL_TEST_LOOPBACK]	= "Loopback (offline)",
	[HWL_TEST_NVM]		= "NVM checksum (online)",
	[HWL_TEST_LINK]		= "Link (online)",
};

/* ethtool shows it as -1. */
#define HWL_TEST_NOT_RUN	U64_MAX
#define HWL_TEST_LINK_US	(5 * USEC_PER_SEC)

/* ---- Registers ---- */

/* Read/write bits. */
static const struct hwl_reg_test {
	u32 reg;
	u32 bits;
} hwl_reg_tests[] = {
	{ HWL_FCAL,		U32_MAX },
	{ HWL_FCAH,		GENMASK(15, 0) },
	{ HWL_FCT,		GENMASK(15, 0) },
	{ HWL_VET,		GENMASK(15, 0) },
	{ HWL_FCTTV,		GENMASK(15, 0) },
	{ HWL_RDBAL(0),		GENMASK(31, 4) },
	{ HWL_RDBAH(0),		U32_MAX },
	{ HWL_RDLEN(0),		GENMASK(18, 7) },
	{ HWL_RDBAL(1),		GENMASK(31, 4) },
	{ HWL_RDBAH(1),		U32_MAX },
	{ HWL_TDBAL(0),		GENMASK(31, 4) },
	{ HWL_TDBAH(0),		U32_MAX },
	{ HWL_TDLEN(0),		GENMASK(18, 7) },
	{ HWL_TDBAL(1),		GENMASK(31, 4) },
	{ HWL_TDBAH(1),		U32_MAX },
	{ HWL_TIPG,		GENMASK(29, 0) },
	{ HWL_MTA(0),		U32_MAX },
	{ HWL_MTA(127),		U32_MAX },
	{ HWL_VFTA(127),	U32_MAX },
	{ HWL_RETA(0),		HWL_RETA_QUEUE1 | HWL_RETA_QUEUE1 << 8 |
				HWL_RETA_QUEUE1 << 16 |
				(u32)HWL_RETA_QUEUE1 << 24 },
	{ HWL_RSSRK(9),		U32_MAX },
};

static const u32 hwl_reg_patterns[] = { 0x5A5A5A5A, 0xA5A5A5A5, 0, U32_MAX };

/* The device is quiesced, and reset afterwards. Return: number of bad registers. */
static u64 hwl_test_regs(struct hwl_adapter *ad)
{
	struct hwl_hw *hw = &ad->hw;
	u32 i, j, want, got;
	u64 bad = 0;

	for (i = 0; i < ARRAY_SIZE(hwl_reg_tests); i++) {
		const struct hwl_reg_test *test = &hwl_reg_tests[i];

		for (j = 0; j < ARRAY_SIZE(hwl_reg_patterns); j++) {
			want = hwl_reg_patterns[j] & test->bits;
			hwl_wr32(hw, test->reg, want);
			got = hwl_rd32(hw, test->reg) & test->bits;
			if (got == want)
				continue;
			netdev_info(ad->netdev,
				    "self-test: register %05x: wrote %08x, read %08x\n",
				    test->reg, want, got);
			bad++;
			break;
		}
	}
	return bad;
}

/* ---- Interrupts ---- */

/**
 * struct hwl_irq_test - a vector under test
 * @ad: the device
 * @irq: Linux interrupt number; 0: no handler
 * @line: the handler must read ICR
 * @seen: an interrupt came
 */
struct hwl_irq_test {
	struct hwl_adapter *ad;
	int irq;
	bool line;
	struct completion seen;
};

#define HWL_IRQ_TEST_MAX	(2 * HWL_MAX_PAIRS + 1)
/* Longer than any moderation interval, and than delays of a busy machine. */
#define HWL_IRQ_TEST_QUIET_MS	20
#define HWL_IRQ_TEST_WAIT	msecs_to_jiffies(500)

static irqreturn_t hwl_test_handler(int irq, void *data)
{
	struct hwl_irq_test *test = data;

	/* The interrupt may be shared. */
	if (test->line &&
	    !(hwl_rd32(&test->ad->hw, HWL_ICR) & HWL_INT_ASSERTED))
		return IRQ_NONE;
	complete(&test->seen);
	return IRQ_HANDLED;
}

/* A cause must raise the interrupt when it is unmasked, and only then. */
static bool hwl_test_cause(struct hwl_adapter *ad, struct hwl_irq_test *test,
			   u32 cause)
{
	struct hwl_hw *hw = &ad->hw;
	bool ok;

	hwl_wr32(hw, HWL_IMC, HWL_INT_ALL);
	hwl_rd32(hw, HWL_ICR);
	/* Let interrupts in flight arrive. */
	msleep(HWL_IRQ_TEST_QUIET_MS);
	reinit_completion(&test->seen);

	hwl_wr32(hw, HWL_ICS, cause);
	hwl_flush(hw);
	ok = !wait_for_completion_timeout(&test->seen,
					  msecs_to_jiffies(HWL_IRQ_TEST_QUIET_MS));
	hwl_rd32(hw, HWL_ICR);

	hwl_wr32(hw, HWL_IMS, cause);
	hwl_wr32(hw, HWL_ICS, cause);
	hwl_flush(hw);
	ok &= !!wait_for_completion_timeout(&test->seen, HWL_IRQ_TEST_WAIT);

	if (!ok)
		netdev_info(ad->netdev, "self-test: interrupt cause %08x failed\n",
			    cause);
	return ok;
}

/* The device is quiesced, without handlers, and reset afterwards. */
static u64 hwl_test_irq(struct hwl_adapter *ad)
{
	struct hwl_irq_test test[HWL_IRQ_TEST_MAX] = {};
	bool msix = hwl_is_msix(ad);
	u64 bad = 0;
	u32 q, v, n;

	n = msix ? hwl_irq_vector_other(ad) + 1 : 1;
	for (v = 0; v < n; v++) {
		test[v].ad = ad;
		test[v].line = !msix;
		init_completion(&test[v].seen);
		if (request_irq(pci_irq_vector(ad->pdev, v), hwl_test_handler,
				ad->irq_mode == HWL_IRQ_INTX ? IRQF_SHARED : 0,
				HWL_NAME "-test", &test[v])) {
			bad = HWL_TEST_NOT_RUN;
			goto out;
		}
		test[v].irq = pci_irq_vector(ad->pdev, v);
	}

	hwl_irq_setup(ad);
	for (q = 0; msix && q < ad->cfg.pairs; q++) {
		bad += !hwl_test_cause(ad, &test[hwl_irq_vector_rx(ad, q)],
				       HWL_INT_RXQ(q));
		bad += !hwl_test_cause(ad, &test[hwl_irq_vector_tx(ad, q)],
				       HWL_INT_TXQ(q));
	}
	bad += !hwl_test_cause(ad, &test[n - 1], HWL_INT_LSC | HWL_INT_OTHER);
out:
	hwl_wr32(&ad->hw, HWL_IMC, HWL_INT_ALL);
	hwl_flush(&ad->hw);
	for (v = 0; v < n; v++)
		if (test[v].irq)
			free_irq(test[v].irq, &test[v]);
	return bad;
}

/* ---- Loopback ---- */

#define HWL_LOOP_DESCS		HWL_RING_MIN
#define HWL_LOOP_BUF		HWL_RX_BUF_LEN
#define HWL_LOOP_FRAMES		64
#define HWL_LOOP_WAIT_US	USEC_PER_SEC
#define HWL_LOOP_OTHERS		100	/* frames of others before one of ours */

/* Memory that device and test share. */
struct hwl_loop_mem {
	/* Rings must be aligned to 128 bytes. */
	struct hwl_tx_desc tx[HWL_LOOP_DESCS];
	union hwl_rx_desc rx[HWL_LOOP_DESCS];
	u8 tx_buf[HWL_LOOP_BUF];
	u8 rx_buf[HWL_LOOP_DESCS][HWL_LOOP_BUF];
};

/**
 * struct hwl_loop - a loopback test
 * @ad: the device
 * @mem: shared memory
 * @dma: its address
 * @addr: a station address of its own, which nobody else sends to
 * @slot: next receive slot
 */
struct hwl_loop {
	struct hwl_adapter *ad;
	struct hwl_loop_mem *mem;
	dma_addr_t dma;
	u8 addr[ETH_ALEN];
	u32 slot;
};

static dma_addr_t hwl_loop_addr(const struct hwl_loop *loop, const void *part)
{
	return loop->dma + (part - (const void *)loop->mem);
}

static void hwl_loop_start(struct hwl_loop *loop)
{
	struct hwl_adapter *ad = loop->ad;
	struct hwl_rx_mode saved = ad->hw.rx;
	struct hwl_hw *hw = &ad->hw;
	struct hwl_ring_regs regs;
	int i;

	hwl_hw_init(hw);
	eth_random_addr(loop->addr);
	netif_addr_lock_bh(ad->netdev);
	hwl_hw_set_rar(hw, 0, loop->addr);
	netif_addr_unlock_bh(ad->netdev);
	hwl_irq_setup(ad);

	for (i = 0; i < HWL_LOOP_DESCS; i++)
		hwl_rx_desc_post(&loop->mem->rx[i],
				 hwl_loop_addr(loop, loop->mem->rx_buf[i]));
	regs.dma = hwl_loop_addr(loop, loop->mem->tx);
	regs.bytes = sizeof(loop->mem->tx);
	hwl_hw_tx_ring(hw, 0, &regs);
	regs.dma = hwl_loop_addr(loop, loop->mem->rx);
	regs.bytes = sizeof(loop->mem->rx);
	hwl_hw_rx_ring(hw, 0, &regs);
	hwl_hw_tx_start(hw, 1);
	/* Accept only frames to that address, and broadcasts. */
	for (i = 0; i < HWL_MTA_WORDS; i++)
		hwl_wr32(hw, HWL_MTA(i), 0);
	hw->rx = (struct hwl_rx_mode){ .max_frame = ETH_FRAME_LEN + ETH_FCS_LEN };
	hwl_hw_rx_start(hw, hwl_is_msix(ad));
	hw->rx = saved;
	hwl_hw_tx_enable(hw);
	dma_wmb();
	hwl_wr32(hw, HWL_RDT(0), HWL_LOOP_DESCS - 1);
}

/* Fill in frame number @n after its addresses. Return: its length. */
static u32 hwl_loop_fill(struct hwl_loop *loop, u32 n)
{
	u8 *buf = loop->mem->tx_buf;
	u32 len = ETH_ZLEN + n * (ETH_FRAME_LEN - ETH_ZLEN) / (HWL_LOOP_FRAMES - 1);
	u32 i;

	ether_addr_copy(buf, loop->addr);
	ether_addr_copy(buf + ETH_ALEN, loop->addr);
	buf[2 * ETH_ALEN] = ETH_P_LOOPBACK >> 8;
	buf[2 * ETH_ALEN + 1] = ETH_P_LOOPBACK & 0xFF;
	for (i = ETH_HLEN; i < len; i++)
		buf[i] = i * 7 + n * 13 + (i >> 8);
	return len;
}

/* Process a received frame. Return: true if it is the one of @len bytes sent. */
static bool hwl_loop_take(struct hwl_loop *loop, u32 status, u32 len)
{
	u8 *buf = loop->mem->rx_buf[loop->slot];
	union hwl_rx_desc *rx = &loop->mem->rx[loop->slot];
	bool ok;

	dma_rmb();
	ok = status & HWL_RXD_EOP && !(status & HWL_RXD_FRAME_ERR) &&
	     le16_to_cpu(rx->wb.len) >= len &&
	     !memcmp(buf, loop->mem->tx_buf, len);

	memset(buf, 0, HWL_LOOP_BUF);
	hwl_rx_desc_post(rx, hwl_loop_addr(loop, buf));
	dma_wmb();
	hwl_wr32(&loop->ad->hw, HWL_RDT(0), loop->slot);
	loop->slot = hwl_ring_next(loop->slot, HWL_LOOP_DESCS);
	return ok;
}

static u32 hwl_loop_status(const struct hwl_loop *loop)
{
	return le32_to_cpu(READ_ONCE(loop->mem->rx[loop->slot].wb.status));
}

/* Send a frame, and check that it returns unchanged; QEMU lets others in, too. */
static bool hwl_loop_frame(struct hwl_loop *loop, u32 n)
{
	struct hwl_tx_desc *tx = &loop->mem->tx[n % HWL_LOOP_DESCS];
	u32 len = hwl_loop_fill(loop, n);
	u32 status, tries = HWL_LOOP_OTHERS;

	hwl_tx_desc_data(tx, hwl_loop_addr(loop, loop->mem->tx_buf), len,
			 HWL_TXD_DATA_CMD | HWL_TXD_EOP | HWL_TXD_RS, 0);
	dma_wmb();
	hwl_wr32(&loop->ad->hw, HWL_TDT(0), (n + 1) % HWL_LOOP_DESCS);

	do {
		if (!tries-- ||
		    read_poll_timeout(hwl_loop_status, status,
				      status & HWL_RXD_DD, 20,
				      HWL_LOOP_WAIT_US, false, loop))
			return false;
	} while (!hwl_loop_take(loop, status, len));

	/* Nothing orders this write-back and that of the frame received. */
	return !read_poll_timeout(le32_to_cpu, status, status & HWL_TXD_UP_DD, 20,
				  HWL_LOOP_WAIT_US, false, READ_ONCE(tx->upper));
}

/* The device was just reset, and is reset afterwards. Return: number of the first
 * frame that did not return, plus one; or HWL_TEST_NOT_RUN.
 */
static u64 hwl_test_loopback(struct hwl_adapter *ad)
{
	struct device *dev = &ad->pdev->dev;
	struct hwl_loop loop = { .ad = ad };
	u64 bad = HWL_TEST_NOT_RUN;
	u32 n;

	loop.mem = dma_alloc_coherent(dev, sizeof(*loop.mem), &loop.dma, GFP_KERNEL);
	if (!loop.mem)
		return bad;
	pci_set_master(ad->pdev);
	hwl_loop_start(&loop);
	if (!hwl_link_loopback(ad, true)) {
		for (n = 0; n < HWL_LOOP_FRAMES && hwl_loop_frame(&loop, n); n++)
			;
		bad = n == HWL_LOOP_FRAMES ? 0 : n + 1;
	}
	hwl_link_loopback(ad, false);

	hwl_hw_stop(&ad->hw);
	if (hwl_hw_reset(&ad->hw))
		pci_clear_master(ad->pdev);
	dma_free_coherent(dev, sizeof(*loop.mem), loop.mem, loop.dma);
	return bad;
}

/* ---- All ---- */

static int hwl_test_reset(struct hwl_adapter *ad)
{
	hwl_hw_stop(&ad->hw);
	return hwl_hw_reset(&ad->hw);
}

/* A test that is not reached keeps its initial result. */
static void hwl_test_offline(struct hwl_adapter *ad, u64 *result, bool vetoed)
{
	if (hwl_test_reset(ad))
		return;
	result[HWL_TEST_REGS] = hwl_test_regs(ad);
	if (hwl_test_reset(ad))
		return;
	result[HWL_TEST_IRQ] = hwl_test_irq(ad);
	/* The reset discards what the tests have counted. */
	if (hwl_test_reset(ad))
		return;
	/* A PHY reset would interrupt the firmware's traffic. */
	if (vetoed)
		netdev_info(ad->netdev, "self-test: no loopback, firmware forbids to reset the PHY\n");
	else
		result[HWL_TEST_LOOPBACK] = hwl_test_loopback(ad);
}

/* An interface that was just brought up is still negotiating. */
static bool hwl_test_link(struct net_device *netdev)
{
	bool link;

	return read_poll_timeout(netif_carrier_ok, link, link, 20 * USEC_PER_MSEC,
				   HWL_TEST_LINK_US, false, netdev);
}

/**
 * hwl_selftest() - run the self-test
 * @netdev: interface; up or down
 * @test: what to run; flags are returned there
 * @result: HWL_TEST_NUM values; 0 is good, -1 a test that could not run
 *
 * Offline, traffic stops and the link is negotiated anew. A test that was asked
 * for and could not run has failed.
 *
 * Context: process, rtnl held.
 */
void hwl_selftest(struct net_device *netdev, struct ethtool_test *test, u64 *result)
{
	struct hwl_adapter *ad = netdev_priv(netdev);
	bool up = netif_running(netdev);
	int i;

	memset(result, 0, HWL_TEST_NUM * sizeof(*result));
	result[HWL_TEST_NVM] = !!hwl_nvm_check(&ad->hw);
	result[HWL_TEST_LINK] = up && hwl_test_link(netdev);

	if (test->flags & ETH_TEST_FL_OFFLINE) {
		bool vetoed = hwl_phy_vetoed(&ad->hw);

		result[HWL_TEST_REGS] = HWL_TEST_NOT_RUN;
		result[HWL_TEST_IRQ] = HWL_TEST_NOT_RUN;
		result[HWL_TEST_LOOPBACK] = HWL_TEST_NOT_RUN;
		hwl_netdev_detach(ad);
		hwl_test_offline(ad, result, vetoed);
		if (hwl_netdev_attach(ad))
			test->flags |= ETH_TEST_FL_FAILED;
	}
	for (i = 0; i < HWL_TEST_NUM; i++)
		if (result[i])
			test->flags |= ETH_TEST_FL_FAILED;
}
