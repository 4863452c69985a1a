import { Plus } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import type { TrustItem } from '../../../shared/contract/trust.ts'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { SelectField, TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { Pager } from '../../ui/pager.tsx'
import { Status } from '../../ui/status.tsx'
import { FindingList } from './finding-list.tsx'
import { GenerateDialog } from './generate-dialog.tsx'
import { ImportDialog } from './import-dialog.tsx'
import { TrustTabs } from './tabs.tsx'
import { ASSURANCE, KINDS, pendingBindings, validityText } from './words.ts'
import ui from '../../ui/ui.module.css'

const PAGE = 100

const SORTS = [
  ['newest', 'Newest first'],
  ['name', 'By name'],
  ['ends', 'By what ends first'],
  ['kind', 'By kind'],
] as const
type Sort = (typeof SORTS)[number][0]

type Kind = TrustItem['kind']

export function TrustPage() {
  const [search, setSearchText] = useState('')
  const [kind, setChosenKind] = useState<Kind | null>(null)
  const [sort, setSort] = useState<Sort>('newest')
  const [offset, setOffset] = useState(0)
  // Whatever narrows or turns the list begins at its beginning.
  const fromStart = <T,>(set: (value: T) => void) => (value: T): void => {
    set(value)
    setOffset(0)
  }
  const [setSearch, setKind] = [fromStart(setSearchText), fromStart(setChosenKind)]
  const [dialog, setDialog] = useState<'import' | 'generate' | null>(null)
  const items = useCall(
    `trust.list ${kind ?? ''} ${sort} ${offset} ${search}`,
    (client) => client.trust.list({ limit: PAGE, offset, sort, ...(search === '' ? {} : { search }), ...(kind === null ? {} : { kind }) }),
    (client, changed) => client.trust.onChanged(changed),
  )
  const { data, error } = items
  const narrowed = search !== '' || kind !== null
  return (
    <Page
      title="Keys & certificates"
      about="What each relationship rests on, and how we know it."
      actions={
        <>
          <Button onClick={() => setDialog('import')}>Import</Button>
          <Button look="primary" icon={<Plus size={16} aria-hidden />} onClick={() => setDialog('generate')}>
            Make a key
          </Button>
        </>
      }
    >
      <TrustTabs />
      <FindingList />
      <div className={ui['stack']}>
        <div className={ui['split']}>
          <TextField label="Search by name, owner, fingerprint or kind" value={search} onChange={(event) => setSearch(event.target.value)} />
          <SelectField label="Order" value={sort} options={SORTS} onChange={(event) => fromStart(setSort)(event.target.value as Sort)} />
        </div>
        <div className={ui['chips']} role="group" aria-label="Kind">
          <button type="button" className={ui['chip']} aria-pressed={kind === null} onClick={() => setKind(null)}>
            All
          </button>
          {(['x509', 'ca', 'pgp', 'ssh-client', 'ssh-host'] as const).map((each) => (
            <button key={each} type="button" className={ui['chip']} aria-pressed={kind === each} onClick={() => setKind(each)}>
              {KINDS[each]}
            </button>
          ))}
        </div>
      </div>
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined && error === undefined ? <Skeleton height={220} /> : null}
      {data?.items.length === 0 ? (
        <Empty title={narrowed ? 'Nothing matches' : 'Nothing here yet'}>{narrowed ? 'No key or certificate fits this search.' : 'Keys appear here when you add a partner, import a file or make one.'}</Empty>
      ) : null}
      {data !== undefined && data.items.length > 0 ? (
        <Card flush>
          <Rows items={data.items} keyOf={({ id }) => id}>
            {(item) => <Row item={item} />}
          </Rows>
        </Card>
      ) : null}
      {data === undefined ? null : <Pager offset={offset} size={PAGE} total={data.total} onChange={setOffset} />}
      <ImportDialog open={dialog === 'import'} onClose={() => setDialog(null)} />
      <GenerateDialog open={dialog === 'generate'} onClose={() => setDialog(null)} />
    </Page>
  )
}

function Row({ item }: { readonly item: TrustItem }) {
  const [now] = useState(() => Date.now())
  const uses = pendingBindings(item, now)
  const { tone, word } = ASSURANCE[item.assurance]
  const over = item.notAfter !== null && Date.parse(item.notAfter) <= now
  const partners = [...new Set(uses.map(({ partner }) => partner ?? 'our station'))]
  return (
    <Link href={`/trust/${item.id}`} className={ui['item']}>
      <span className={ui['grow']}>
        <span className={ui['strong']}>{item.label}</span>
        <br />
        <span className="quiet small">
          {[`${KINDS[item.kind]}, ${item.algorithm}${item.bits === null ? '' : ` ${item.bits} bit`}`, validityText(item.notAfter, now), uses.length === 0 ? '' : `used for ${partners.slice(0, 3).join(', ')}${partners.length > 3 ? ` and ${partners.length - 3} more` : ''}`].filter((part) => part !== '').join(' · ')}
        </span>
      </span>
      {item.state === 'retired' ? <Status tone="wait">Retired</Status> : over ? <Status tone="bad">Expired</Status> : uses.length === 0 ? <Status tone="wait">Not in use</Status> : <Status tone={tone}>{word}</Status>}
    </Link>
  )
}
