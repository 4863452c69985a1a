import { describe, expect, it } from 'vitest'
import { FILE_PARTNERS, RADOSGW_PARTNER } from '../servers/file-partners.ts'
import { findPeer } from '../servers/peers.ts'
import { runCampaign } from './campaign.ts'

/** The long form is `npm run campaign`. */
const FILES = Number(process.env['WAYBILL_CAMPAIGN'] ?? 200)
const FAULTS = Number(process.env['WAYBILL_CAMPAIGN_FAULTS'] ?? Math.max(24, Math.floor(FILES / 10)))
const SEED = Number(process.env['WAYBILL_CAMPAIGN_SEED'] ?? Date.now() % 1_000_000)

const absent = [...FILE_PARTNERS.map(({ peer }) => peer), RADOSGW_PARTNER.peer, findPeer('gpg'), findPeer('pyas2lib')].filter((peer) => peer.absent)

describe.skipIf(absent.length > 0)(`flows on every protocol while everything fails${absent[0]?.note ?? ''}`, () => {
  it(`brings ${FILES} files exactly once and whole through ${FAULTS} faults (seed ${SEED})`, async () => {
    const began = performance.now()
    const report = await runCampaign({ files: FILES, faults: FAULTS, seed: SEED, note: (text) => void process.stderr.write(`${((performance.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}\n`) })
    const faults = Object.entries(report.faults).map(([name, { done, felt }]) => `${done} × ${name}${felt === null ? '' : ` (met ${felt})`}`)
    process.stderr.write(`${faults.join(', ')}\nmet ${JSON.stringify(report.met)}\nby a person ${JSON.stringify(report.byPerson)}\n`)
    expect(report.problems, `WAYBILL_CAMPAIGN_SEED=${SEED}`).toEqual([])
  }, 3_600_000)
})
