// SPDX-License-Identifier: GPL-2.0
/*
 * devlink: device information and the Tx health reporter.
 *
 * A Tx hang is reported to the reporter "tx", which dumps the queues and resets
 * the data path, as the user has configured it. The devlink lock is taken
 * before rtnl.
 */
#include <linux/pm_runtime.h>
#include <linux/rtnetlink.h>
#include <net/devlink.h>

#include "hwl.h"
#include "hwl_devlink.h"
#include "hwl_nvm.h"
#include "hwl_open.h"
#include "hwl_reset.h"

/* Descriptors that a dump shows before and after the head. */
#define HWL_DUMP_AROUND		8

/**
 * struct hwl_devlink - the driver's part of a devlink instance
 * @ad: the device
 */
struct hwl_devlink {
	struct hwl_adapter *ad;
};

/* To be undone by hwl_open_put(). */
static int hwl_devlink_wake(struct hwl_adapter *ad)
{
	int err;

	rtnl_lock();
	err = hwl_open_get(ad);
	rtnl_unlock();
	return err;
}

/* ---- Information ---- */

/* The board id (PBA): hexadecimal in two words, or a string elsewhere. */
static int hwl_devlink_board_id(struct hwl_hw *hw, char *text, size_t size)
{
	u16 words[2], len, data;
	int err;
	u32 i;

	err = hwl_nvm_read(hw, HWL_NVM_PBA, 2, words);
	if (err)
		return err;
	if (words[0] != HWL_NVM_PBA_IS_TEXT) {
		snprintf(text, size, "%04X%02X-0%02X", words[0], words[1] >> 8,
			 words[1] & 0xff);
		return 0;
	}

	/* The length counts words, its own included. */
	err = hwl_nvm_read(hw, words[1], 1, &len);
	if (err)
		return err;
	if (!len || len == HWL_NVM_EMPTY || (len - 1) * 2 >= size)
		return -EINVAL;
	for (i = 0; i < len - 1; i++) {
		err = hwl_nvm_read(hw, words[1] + 1 + i, 1, &data);
		if (err)
			return err;
		text[2 * i] = data >> 8;
		text[2 * i + 1] = data & 0xff;
	}
	text[2 * i] = '\0';
	return 0;
}

static int hwl_devlink_put_info(struct hwl_adapter *ad, struct devlink_info_req *req)
{
	char text[32];
	__be64 dsn;
	int err;

	dsn = cpu_to_be64(pci_get_dsn(ad->pdev));
	if (dsn) {
		snprintf(text, sizeof(text), "%8phD", &dsn);
		err = devlink_info_serial_number_put(req, text);
		if (err)
			return err;
	}
	if (!hwl_devlink_board_id(&ad->hw, text, sizeof(text))) {
		err = devlink_info_version_fixed_put(req,
						     DEVLINK_INFO_VERSION_GENERIC_BOARD_ID,
						     text);
		if (err)
			return err;
	}
	if (!hwl_nvm_rom_version(&ad->hw, text, sizeof(text))) {
		err = devlink_info_version_stored_put(req,
						      DEVLINK_INFO_VERSION_GENERIC_FW_UNDI,
						      text);
		if (err)
			return err;
	}
	if (!hwl_nvm_version(&ad->hw, text, sizeof(text))) {
		err = devlink_info_version_stored_put(req, "nvm", text);
		if (err)
			return err;
		return devlink_info_version_running_put(req, "nvm", text);
	}
	return 0;
}

static int hwl_devlink_info_get(struct devlink *devlink,
				struct devlink_info_req *req,
				struct netlink_ext_ack *extack)
{
	struct hwl_devlink *dl = devlink_priv(devlink);
	int err;

	err = pm_runtime_resume_and_get(&dl->ad->pdev->dev);
	if (err < 0)
		return err;
	err = hwl_devlink_put_info(dl->ad, req);
	hwl_open_put(dl->ad);
	return err;
}

static const struct devlink_ops hwl_devlink_ops = {
	.info_get	= hwl_devlink_info_get,
};

/* ---- Health of the transmitter ---- */

static void hwl_dump_registers(struct hwl_adapter *ad, struct devlink_fmsg *fmsg,
			       u32 q)
{
	struct hwl_hw *hw = &ad->hw;

	devlink_fmsg_u32_pair_put(fmsg, "head", hwl_rd32(hw, HWL_TDH(q)));
	devlink_fmsg_u32_pair_put(fmsg, "tail", hwl_rd32(hw, HWL_TDT(q)));
	devlink_fmsg_u32_pair_put(fmsg, "txdctl", hwl_rd32(hw, HWL_TXDCTL(q)));
}

static void hwl_dump_indexes(struct devlink_fmsg *fmsg, struct hwl_txq *txq)
{
	/* In this order: cons is not ahead of a prod that is read later. */
	u32 cons = smp_load_acquire(&txq->cons), prod = READ_ONCE(txq->prod);

	devlink_fmsg_u32_pair_put(fmsg, "size", txq->ring.count);
	devlink_fmsg_u32_pair_put(fmsg, "pending", hwl_ring_used(prod, cons));
	devlink_fmsg_u32_pair_put(fmsg, "next to fill", READ_ONCE(txq->slot));
	devlink_fmsg_u32_pair_put(fmsg, "next to clean", READ_ONCE(txq->cslot));
	devlink_fmsg_bool_pair_put(fmsg, "stopped", netif_xmit_stopped(txq->nq));
}

/* Descriptors in the order of the ring, those that the head has passed first. */
static void hwl_dump_descriptors(struct devlink_fmsg *fmsg, struct hwl_txq *txq,
				 u32 head)
{
	u32 count = txq->ring.count;
	u32 slot, i;

	devlink_fmsg_arr_pair_nest_start(fmsg, "descriptors");
	for (i = 0; i < 2 * HWL_DUMP_AROUND; i++) {
		slot = (head % count + count - HWL_DUMP_AROUND + i) % count;
		devlink_fmsg_obj_nest_start(fmsg);
		devlink_fmsg_u32_pair_put(fmsg, "slot", slot);
		devlink_fmsg_binary_pair_put(fmsg, "bytes", &txq->ring.desc[slot],
					     sizeof(txq->ring.desc[slot]));
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
}

/* All queues; descriptors only in the dump of a hang. */
static void hwl_dump_queues(struct hwl_adapter *ad, struct devlink_fmsg *fmsg,
			    bool descriptors)
{
	u32 q;

	ASSERT_RTNL();
	devlink_fmsg_arr_pair_nest_start(fmsg, "queues");
	for (q = 0; q < ad->cfg.pairs; q++) {
		struct hwl_txq *txq = &ad->pair[q]->txq;

		devlink_fmsg_obj_nest_start(fmsg);
		devlink_fmsg_u32_pair_put(fmsg, "queue", q);
		hwl_dump_indexes(fmsg, txq);
		hwl_dump_registers(ad, fmsg, q);
		if (descriptors)
			hwl_dump_descriptors(fmsg, txq,
					     hwl_rd32(&ad->hw, HWL_TDH(q)));
		devlink_fmsg_obj_nest_end(fmsg);
	}
	devlink_fmsg_arr_pair_nest_end(fmsg);
}

static void hwl_dump_device(struct hwl_adapter *ad, struct devlink_fmsg *fmsg)
{
	static const struct {
		const char *name;
		u32 reg;
	} regs[] = {
		{ "ctrl", HWL_CTRL }, { "status", HWL_STATUS },
		{ "tctl", HWL_TCTL }, { "rctl", HWL_RCTL },
		{ "ims", HWL_IMS }, { "tidv", HWL_TIDV },
	};
	u32 i;

	devlink_fmsg_pair_nest_start(fmsg, "registers");
	devlink_fmsg_obj_nest_start(fmsg);
	for (i = 0; i < ARRAY_SIZE(regs); i++)
		devlink_fmsg_u32_pair_put(fmsg, regs[i].name,
					  hwl_rd32(&ad->hw, regs[i].reg));
	devlink_fmsg_obj_nest_end(fmsg);
	devlink_fmsg_pair_nest_end(fmsg);
}

static int hwl_devlink_show(struct devlink_health_reporter *reporter,
			    struct devlink_fmsg *fmsg, bool descriptors)
{
	struct hwl_adapter *ad = devlink_health_reporter_priv(reporter);
	int err;

	err = hwl_devlink_wake(ad);
	if (err)
		return err;
	rtnl_lock();
	devlink_fmsg_bool_pair_put(fmsg, "up", !test_bit(HWL_DOWN, &ad->flags));
	devlink_fmsg_u32_pair_put(fmsg, "hangs", atomic_read(&ad->tx_timeouts));
	devlink_fmsg_u32_pair_put(fmsg, "resets", ad->resets);
	if (!test_bit(HWL_DOWN, &ad->flags)) {
		hwl_dump_device(ad, fmsg);
		hwl_dump_queues(ad, fmsg, descriptors);
	}
	rtnl_unlock();
	hwl_open_put(ad);
	return 0;
}

static int hwl_devlink_dump(struct devlink_health_reporter *reporter,
			    struct devlink_fmsg *fmsg, void *context,
			    struct netlink_ext_ack *extack)
{
	return hwl_devlink_show(reporter, fmsg, true);
}

static int hwl_devlink_diagnose(struct devlink_health_reporter *reporter,
				struct devlink_fmsg *fmsg,
				struct netlink_ext_ack *extack)
{
	return hwl_devlink_show(reporter, fmsg, false);
}

static int hwl_devlink_recover(struct devlink_health_reporter *reporter,
			       void *context, struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = devlink_health_reporter_priv(reporter);
	int err;

	err = hwl_devlink_wake(ad);
	if (err)
		return err;
	err = hwl_reset_if_due(ad, true);
	hwl_open_put(ad);
	if (err)
		NL_SET_ERR_MSG_MOD(extack, "the device did not recover from reset");
	return err;
}

/* Report, dump and recover without a hang. */
static int hwl_devlink_test(struct devlink_health_reporter *reporter,
			    struct netlink_ext_ack *extack)
{
	struct hwl_adapter *ad = devlink_health_reporter_priv(reporter);
	bool done;
	int err;

	err = hwl_devlink_wake(ad);
	if (err)
		return err;
	done = hwl_reset_request_hung(ad);
	hwl_open_put(ad);
	if (done)
		return 0;
	NL_SET_ERR_MSG_MOD(extack, "the interface is down, or a hang is already known");
	return -EBUSY;
}

static const struct devlink_health_reporter_ops hwl_devlink_tx_ops = {
	.name		= "tx",
	.recover	= hwl_devlink_recover,
	.dump		= hwl_devlink_dump,
	.diagnose	= hwl_devlink_diagnose,
	.test		= hwl_devlink_test,
};

/**
 * hwl_devlink_report() - report a Tx hang to the health reporter
 * @ad: the device
 *
 * The reporter dumps, and recovers unless the user has disabled that.
 *
 * Context: process; takes devlink's lock and rtnl.
 */
void hwl_devlink_report(struct hwl_adapter *ad)
{
	/* The core aborts recovery while an earlier one is marked as failed. */
	if (devlink_health_report(ad->tx_reporter, "transmit queue hung",
				  NULL) == -ECANCELED)
		hwl_reset_if_due(ad, true);
}

/* ---- Init and exit ---- */

/**
 * hwl_devlink_init() - register a devlink instance with its reporter
 * @ad: the device; not registered with the stack yet
 *
 * Precedes registration of the netdev, whose hangs it reports.
 *
 * Context: process; probe only. Undone by hwl_devlink_exit().
 * Return: 0 or a negative error code.
 */
int hwl_devlink_init(struct hwl_adapter *ad)
{
	struct devlink_health_reporter *reporter;
	struct hwl_devlink *dl;
	struct devlink *devlink;

	devlink = devlink_alloc(&hwl_devlink_ops, sizeof(*dl), &ad->pdev->dev);
	if (!devlink)
		return -ENOMEM;
	dl = devlink_priv(devlink);
	dl->ad = ad;
	reporter = devlink_health_reporter_create(devlink, &hwl_devlink_tx_ops,
						  ad);
	if (IS_ERR(reporter)) {
		devlink_free(devlink);
		return PTR_ERR(reporter);
	}
	ad->devlink = devlink;
	ad->tx_reporter = reporter;
	devlink_register(devlink);
	return 0;
}

/**
 * hwl_devlink_exit() - undo hwl_devlink_init()
 * @ad: the device; not registered with the stack any more, no work pending
 *
 * Context: process.
 */
void hwl_devlink_exit(struct hwl_adapter *ad)
{
	devlink_unregister(ad->devlink);
	devlink_health_reporter_destroy(ad->tx_reporter);
	devlink_free(ad->devlink);
}
