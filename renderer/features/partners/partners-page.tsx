import { Plus } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useCall } from '../../lib/use-call.ts'
import { Button } from '../../ui/button.tsx'
import { ErrorPanel } from '../../ui/error-panel.tsx'
import { TextField } from '../../ui/field.tsx'
import { Card, Empty, Page, Skeleton } from '../../ui/page.tsx'
import { Rows } from '../../ui/rows.tsx'
import { ImportCardDialog } from '../cards/import-card-dialog.tsx'
import { Pager } from '../../ui/pager.tsx'
import { PartnerRow } from './partner-row.tsx'

const PAGE = 100

export function PartnersPage() {
  const [, navigate] = useLocation()
  const [card, setCard] = useState(false)
  const [search, setSearchText] = useState('')
  const [offset, setOffset] = useState(0)
  const setSearch = (text: string): void => {
    setSearchText(text)
    setOffset(0)
  }
  const partners = useCall(
    `partners.list ${offset} ${search}`,
    (client) => client.partners.list({ limit: PAGE, offset, ...(search === '' ? {} : { search }) }),
    (client, changed) => client.partners.onChanged(changed),
  )
  const add = (
    <Button look="primary" icon={<Plus size={16} aria-hidden />} onClick={() => navigate('/partners/new')}>
      Add partner
    </Button>
  )
  const { data, error } = partners
  return (
    <Page title="Partners" about="Drop files on a partner to send them." actions={
        <>
          <Button onClick={() => setCard(true)}>Take a card over</Button>
          {add}
        </>
      }
    >
      {error ? <ErrorPanel error={error} /> : null}
      {data === undefined || data.total > 5 || search !== '' ? <TextField label="Search partners" value={search} onChange={(event) => setSearch(event.target.value)} /> : null}
      {data === undefined ? <Skeleton height={180} /> : null}
      {data !== undefined && data.partners.length > 0 ? (
        <Card flush>
          <Rows items={data.partners} keyOf={({ id }) => id}>
            {(partner) => <PartnerRow partner={partner} />}
          </Rows>
        </Card>
      ) : null}
      {data === undefined ? null : <Pager offset={offset} size={PAGE} total={data.total} onChange={setOffset} />}
      {data !== undefined && data.partners.length === 0 ? (
        search === '' ? (
          <Empty title="No partners yet" action={add}>
            A partner is a company that you exchange files with. Add its server, check that it is the right one, and send.
          </Empty>
        ) : (
          <Empty title="No partner has that name" action={<Button onClick={() => setSearch('')}>Clear search</Button>}>
            Nothing matches “{search}”.
          </Empty>
        )
      ) : null}
      <ImportCardDialog open={card} onClose={() => setCard(false)} />
    </Page>
  )
}
