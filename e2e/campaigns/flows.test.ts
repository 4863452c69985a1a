import { describe, expect, it } from 'vitest'
import { findPeer } from '../servers/peers.ts'
import { versitygwPeer } from '../servers/versitygw.ts'
import { vsftpdPeer } from '../servers/vsftpd.ts'
import { runCampaign } from './campaign.ts'

/** The long form is `npm run campaign`. */
const FILES = Number(process.env['WAYBILL_CAMPAIGN'] ?? 200)
const FAULTS = Number(process.env['WAYBILL_CAMPAIGN_FAULTS'] ?? Math.max(16, Math.floor(FILES / 10)))
const SEED = Number(process.env['WAYBILL_CAMPAIGN_SEED'] ?? Date.now() % 1_000_000)

const absent = [findPeer('sshd'), vsftpdPeer(), versitygwPeer()].filter((peer) => peer.absent)

describe.skipIf(absent.length > 0)(`flows on every protocol while everything fails${absent[0]?.note ?? ''}`, () => {
  it(`brings ${FILES} files exactly once and whole through ${FAULTS} faults (seed ${SEED})`, async () => {
    const report = await runCampaign({ files: FILES, faults: FAULTS, seed: SEED, note: (text) => void process.stderr.write(`${text}\n`) })
    process.stderr.write(`faults ${JSON.stringify(report.faults)}\nby a person ${JSON.stringify(report.byPerson)}\n`)
    expect(report.problems, `WAYBILL_CAMPAIGN_SEED=${SEED}`).toEqual([])
  }, 3_600_000)
})
