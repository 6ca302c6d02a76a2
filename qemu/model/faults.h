/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What goes wrong: by a driver (strict.c), by design of the silicon
 * (errata.c), and by chance (faults.c, firmware.c). The end of model.h.
 */
#ifndef MODEL_FAULTS_H
#define MODEL_FAULTS_H

/* strict.c */
enum offence {
	OFF_RCTL_EN, OFF_RESERVED, OFF_TXDCTL, OFF_RING_LIVE, OFF_TAIL_RANGE,
	OFF_TAIL_OWNER, OFF_MDIO_OWNER, OFF_NVM_OWNER, OFF_IN_RESET,
	OFF_PHY_EARLY, OFF_CONTEXT, OFF_DMA, OFF_DESC_CHANGED, OFF_DESC_DD,
	OFF_TSO, OFF_SHORT, OFF_TX_BIG, OFF_RSS, OFF_UNKNOWN, OFF_ICR_MASKED,
	OFF_EIAC_OTHER, OFF_IAM, OFF_TIDV, OFF_WTHRESH, OFF_RAR_FLUSH, OFF_IFCS, OFF_TSO_TAIL,
	OFF_TDESC, OFF_GCR, OFF_TARC, OFF_NVM_AUPDEN, OFF_RESET_DMA,
	OFF_PHY_RESET, OFF_BUSY,
	OFF_SPLIT, OFF_RING_SIZE, OFF_RAR, OFF_IVAR, OFF_PAUSE, OFF_SLEEP,
	OFF_FORCED, OFF_HALF_GIGABIT,
	OFFENCES,
};

void offend(struct dev *dev, enum offence what, u32 off, u32 value);
void strict_tx_on(struct dev *dev);
void strict_rx_on(struct dev *dev);
void strict_begin(void);
void strict_written(struct dev *dev, u32 off);
void strict_tail(struct dev *dev, bool tx);
void strict_summary(struct dev *dev);

/* errata.c */
enum erratum {		/* in the order of the sheet's rows, which are 1 to 22 */
	ERR_ASPM, ERR_ICR_LOST, ERR_AUTOMASK, ERR_ACK, ERR_RXO_STORM,
	ERR_RX_DISABLE, ERR_PHY_HANG, ERR_SYSTIM, ERR_TX_FULL, ERR_ONE_CONTEXT,
	ERR_FPD, ERR_TXDCTL, ERR_ARBITER, ERR_EARLY_DD, ERR_TSO_SLOW,
	ERR_SHORT, ERR_RESERVED, ERR_NVM_FIRST, ERR_VECTORS, ERR_RAR_MERGE,
	ERR_MDIO_OWNER, ERR_RLEC,
	ERRATA,
};

static inline bool erratum(const struct dev *dev, enum erratum e)
{
	return dev->errata & (1U << e);
}

void errata_init(struct dev *dev);
int errata_parse(struct dev *dev, const char *word);
void errata_list(FILE *to);
bool errata_gcr_wrong(const struct dev *dev);
bool errata_ctrl_ext_wrong(const struct dev *dev);
const char *errata_unmended(const struct dev *dev);
bool errata_flush_missed(struct dev *dev, u64 *last);

/* faults.c */
enum fault_id {
	FAULT_TX_HANG, FAULT_RX_HANG, FAULT_TXQ_HANG, FAULT_NO_IRQ,
	FAULT_NO_WB, FAULT_LATE_WB, FAULT_BAD_LEN, FAULT_BAD_STATUS,
	FAULT_SPURIOUS, FAULT_REMOVED, FAULT_MDIC_STALE, FAULT_MASTER_STUCK,
	FAULT_AUTO_RD, FAULT_PHY_HANG, FAULT_STICKY,
	FAULT_NO_STAMP, FAULT_LOST_STAMP, FAULT_FIRMWARE,
	FAULT_LATE_IRQ, FAULT_WILD_HEAD, FAULT_NO_RX_WB, FAULT_LATE_RX_WB,
	FAULT_FIRMWARE_BUSY, FAULT_STAMP_EACH, FAULT_RXQ_HANG, FAULT_BAD_DESC,
	FAULT_BAD_DATA, FAULT_LATE_ANSWER,
	FAULTS,
};

static inline bool fault(const struct dev *dev, enum fault_id f)
{
	return dev->fault & (1U << f);
}

/* One that has a place: a queue, a register. */
static inline bool fault_at(const struct dev *dev, enum fault_id f, u32 place)
{
	return fault(dev, f) && dev->fault_arg[f] == place;
}

int faults_load(struct dev *dev, const char *path);
int fault_command(struct dev *dev, char **word, int words);
bool fault_known(const char *name);
void fault_data(struct dev *dev, u8 *data, u32 len);
bool fault_use(struct dev *dev, enum fault_id f);
void faults_list(FILE *to);

/* The same for the same seed, which is not 0. */
static inline u32 fault_random(u32 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

/* firmware.c */
void firmware_begin(struct dev *dev, u32 seed);

#endif /* MODEL_FAULTS_H */
