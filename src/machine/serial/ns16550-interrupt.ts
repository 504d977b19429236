import { Break, Word } from './ns16550-region.ts';
import { FCR, IER, IIR, TRIGGER_LEVELS } from './registers.ts';

/**
 * The interrupt of highest priority that is enabled and pending, as IIR names it (PC16550D data sheet, table IV).
 * @param received bytes that can be read from RBR
 * @param thre whether the transmitter takes another byte
 */
export function pendingInterrupt(words: Int32Array, received: number, thre: boolean): number {
  const enabled = words[Word.IER];
  const error = words[Word.OVERRUN] !== 0 || (words[Word.BREAK] & Break.STATUS) !== 0;
  if ((enabled & IER.ELSI) !== 0 && error) return IIR.LINE_STATUS;
  if ((enabled & IER.ERBFI) !== 0 && received > 0) {
    const fifosOn = (words[Word.FCR] & FCR.ENABLE) !== 0;
    const trigger = fifosOn ? (TRIGGER_LEVELS[words[Word.FCR] >>> 6] ?? 1) : 1;
    return received >= trigger ? IIR.RX_AVAILABLE : IIR.RX_TIMEOUT;
  }
  if ((enabled & IER.ETBEI) !== 0 && words[Word.THRE_PENDING] !== 0 && thre) return IIR.THR_EMPTY;
  if ((enabled & IER.EDSSI) !== 0 && words[Word.MODEM_CHANGES] !== 0) return IIR.MODEM_STATUS;
  return IIR.NONE;
}
