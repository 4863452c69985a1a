import { PartnerCard, type CardPreview } from '../../contract/cards.ts'
import type { WaybillHandlers } from '../../contract/index.ts'
import type { PartnerDetail } from '../../contract/partners.ts'
import type { PartnerDocument } from '../../contract/partner-document.ts'
import type { StationDocument } from '../../contract/station.ts'
import { Role, type TrustItem } from '../../contract/trust.ts'
import type { AuditTrail } from '../audit/service.ts'
import type { Actor } from '../kernel/actor.ts'
import type { CallContext, ResolvedFile, ResolveFile } from '../kernel/call-context.ts'
import { timestamp, type Clock } from '../kernel/clock.ts'
import { AppError } from '../kernel/errors.ts'
import { parseDocument } from '../partners/rules.ts'
import type { TrustService } from '../trust/service.ts'
import { isActive } from '../trust/rules.ts'
import { cardOf, changesOf, documentAfter, slugOf, TAKEN_OVER } from './rules.ts'
import { sameWords, wordsOver } from './words.ts'

export interface CardDeps {
  readonly trust: Pick<TrustService, 'materials' | 'import' | 'itemsOfPartner'>
  readonly partners: { all(): readonly PartnerDocument[]; apply(document: unknown, actor: Actor): { partner: PartnerDetail; created: boolean } }
  readonly station: () => StationDocument | null
  /** The other item of a change that is under way: the partner needs both. */
  readonly otherOfChange: (partner: string, fingerprint: string) => { readonly item: TrustItem } | null
  readonly audit: AuditTrail
  readonly clock: Clock
  readonly resolveFile: ResolveFile
  readonly readContent: (file: ResolvedFile) => Promise<Buffer>
}

export function cardHandlers(deps: CardDeps): WaybillHandlers<CallContext>['cards'] & { create(request: { partner: string }): { fileName: string; text: string; words: string[]; card: PartnerCard } } {
  const { trust, partners, audit, clock } = deps

  const find = (id: string): PartnerDocument => {
    const found = partners.all().find((partner) => partner.id === id)
    if (found === undefined) throw new AppError('input.not_found', `there is no partner ${id}`)
    return found
  }

  /** Everything of ours that we use towards the partner, on any of its connections. */
  const ours = (partner: PartnerDocument): { item: TrustItem; role: Role }[] =>
    partner.connections.flatMap(({ id }) =>
      Role.options.flatMap((role) =>
        trust.materials
          .of(partner.id, id, role)
          .filter(({ privateKey }) => privateKey !== null)
          .flatMap(({ item }) => [{ item, role }, ...[deps.otherOfChange(partner.id, item.fingerprint)].flatMap((other) => (other === null ? [] : [{ item: other.item, role }]))]),
      ),
    )

  const boundAs = (partner: string, fingerprint: string): Role[] => {
    const now = clock.now()
    const bindings = trust.itemsOfPartner(partner).filter((item) => item.fingerprint === fingerprint).flatMap((item) => item.bindings)
    return [...new Set(bindings.filter((binding) => binding.partner === partner && isActive(binding, now)).map(({ role }) => role))].toSorted()
  }

  const read = async (source: Parameters<ResolveFile>[0], named: string | undefined): Promise<{ preview: CardPreview; text: string; partner: PartnerDocument | null }> => {
    const text = (await deps.readContent(deps.resolveFile(source))).toString('utf8')
    const card = parseDocument(PartnerCard, jsonOf(text))
    const known = named === undefined ? partners.all().find(({ connections }) => connections.some((connection) => connection.protocol === 'as2' && connection.as2Id === card.as2?.id)) : find(named)
    const partner = known ?? null
    const changes = changesOf(card, partner, (fingerprint) => (partner === null ? [] : boundAs(partner.id, fingerprint)))
    return { text, partner, preview: { card, words: wordsOver(canonical(card)), partner: partner?.id ?? null, changes } }
  }

  return {
    create({ partner: id }) {
      const station = deps.station()
      if (station === null) throw new AppError('input.conflict', 'our station has no name yet; set it with `station apply`')
      const card = cardOf(station, ours(find(id)), timestamp(clock.now()))
      return { fileName: `${slugOf(station.name)}-card.json`, text: `${JSON.stringify(card, null, 2)}\n`, words: wordsOver(canonical(card)), card }
    },

    read: async ({ source, partner }) => (await read(source, partner)).preview,

    async accept({ source, partner: named, words, person }, { actor }) {
      const { preview, partner } = await read(source, named)
      const { card } = preview
      if (words !== undefined && !sameWords(words, preview.words)) throw new AppError('card.differs', 'the words that were compared do not belong to this card')
      const id = partner?.id ?? slugOf(card.name)
      const applied = partners.apply(documentAfter(card, partner, id), actor)
      const provenance = { source: words === undefined ? ('partner-file' as const) : ('phone' as const), note: `partner card of ${card.createdAt.slice(0, 10)}${words === undefined ? '' : `, read back: ${preview.words.join(' ')}`}`, ...(person === undefined ? {} : { person }) }
      const items: string[] = []
      for (const entry of card.items) {
        const bind = entry.roles.filter((role) => TAKEN_OVER.includes(role)).map((role) => ({ partner: id, role }))
        if (bind.length === 0) continue
        const made = await trust.import({ content: Buffer.from(entry.public), label: entry.label, bind, provenance }, actor)
        items.push(...made.items.map((item) => item.id))
      }
      audit.record({ actor, type: 'card.accepted', subject: { kind: 'partner', id }, partner: id, data: { name: card.name, createdAt: card.createdAt, words: preview.words, compared: words !== undefined, items } })
      return { partner: id, created: applied.created, items }
    },
  }
}

/** Blanks and the order of fields do not change the words, nor does the day: whoever reads them out later reads the same ones. */
function canonical(card: PartnerCard): string {
  return JSON.stringify(sorted({ ...card, createdAt: null }))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).toSorted(([left], [right]) => (left < right ? -1 : 1)).map(([name, inner]) => [name, sorted(inner)]))
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new AppError('input.invalid', 'the file is no partner card', { cause: error })
  }
}
