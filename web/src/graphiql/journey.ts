// The journey of a fan and of an organiser, one operation a tab, in the order in which they are run.
//
// `{{name}}` in variables and headers is filled in from earlier answers (see `memory.ts`), so that the tabs can be
// run one after another without copying an id.

export interface JourneyTab {
  query: string;
  variables?: string;
  headers?: string;
}

const asFan = '{ "Authorization": "Bearer {{token}}" }';
const asOrganiser = '{ "Authorization": "Bearer PASTE_AN_ORGANISER_TOKEN" }';

const browse = `# The journey of a fan: run the tabs from left to right.
#
# {{braces}} in variables and headers are filled in from
# earlier answers: the first date on sale from this tab, the
# token from the next one. Type over them to use your own.

query Browse {
  concerts(first: 10) {
    nodes {
      id
      title
      series {
        id
        startAt
        status
        seatCount
        availableCount
        drawCommitment
        queuePolicy { maxActive admitPerInterval intervalSeconds heartbeatTimeoutSeconds sessionSeconds maxSeatsPerUser }
      }
    }
  }
}
`;

const join = `# Joins the waiting room; asking again gives the same place.
# \`userId\` and \`name\` are for open identities (the demo).
# Elsewhere an identity token in the headers says who you
# are, and both are left out.

mutation JoinTheLine($seriesId: ID!) {
  issueToken(input: { seriesId: $seriesId, userId: "graphiql-fan", name: "GraphiQL fan" }) {
    token
    tokenId
    position { status position waiting estimatedWaitSeconds availableSeats seriesStatus }
    problem { code message }
  }
}
`;

const watch = `# Your place, live over WebSocket. An open stream counts as a
# heartbeat: leave it running and go on in the next tab. The
# header is sent as \`authorization\` in connection_init.

subscription WatchMyPlace {
  queuePosition {
    status
    position
    waiting
    estimatedWaitSeconds
    admittedUntil
    availableSeats
    seriesStatus
  }
}
`;

const seatMap = `# All that a map is drawn from, in a few kilobytes: the sections,
# and a character a seat by number (A available, H held,
# R reserved). WatchSeats goes on from seatsVersion, and
# holdSeats takes the numbers.

query SeatMap($seriesId: ID!) {
  seriesById(id: $seriesId) {
    layout { name rows cols price firstNumber availableCount }
    seatStates
    seatsVersion
  }
}
`;

const seats = `query Seats($seriesId: ID!) {
  seats(seriesId: $seriesId, availableOnly: true) { id number section row col price status }
}
`;

const watchSeats = `# First every seat (or, with sinceVersion, what has changed
# since), then what changes. Run it, then hold a seat in the
# next tab.

subscription WatchSeats($seriesId: ID!, $sinceVersion: Int) {
  seatAvailability(seriesId: $seriesId, sinceVersion: $sinceVersion) {
    since
    version
    snapshot
    states
    seats(onlyChanged: true) { number status }
    availableCount
  }
}
`;

const hold = `# Five minutes to pay. Only an admitted fan holds seats.

mutation HoldSeat($seatId: ID!) {
  holdSeat(input: { seatId: $seatId }) {
    hold { id expiresAt status seat { number section row col price } }
    problem {
      code
      message
      ... on SeatTaken { seats { id number status } }
      ... on NotAdmitted { position { status position } }
    }
  }
}
`;

const charge = `# Points for the wallet. The same idempotency key never acts twice.

mutation Charge($key: String!) {
  charge(input: { amount: 50000, idempotencyKey: $key }) {
    points { balance }
    entry { id kind amount balanceAfter createdAt }
    problem { code message }
  }
}
`;

const pay = `# One step: the holds become reservations, the points are
# spent, the token is completed.

mutation Pay($key: String!) {
  pay(input: { idempotencyKey: $key }) {
    payment { id amount status createdAt }
    reservations { id status seat { number section row col price } }
    points { balance }
    problem {
      code
      message
      ... on InsufficientPoints { balance required }
    }
  }
}
`;

const mine = `query MyTicketsAndLedger {
  reservations(first: 10) {
    nodes { id status createdAt seat { number section series { startAt concert { title } } } payment { id amount status } }
  }
  payments(first: 10) { nodes { id amount status createdAt } }
  points {
    balance
    history(first: 20) { nodes { kind amount balanceAfter createdAt payment { id } } pageInfo { hasNextPage endCursor } }
  }
}
`;

const cancel = `# Before the concert begins: the points come back as a REFUND
# line, the seat goes back on sale.

mutation CancelReservation($reservationId: ID!, $key: String!) {
  cancelReservation(input: { reservationId: $reservationId, idempotencyKey: $key }) {
    reservation { id status }
    points { balance }
    problem { code message }
  }
}
`;

const createConcert = `# For organisers. A token (the demo prints one at its start):
#   frontrow token --user org --name Org --role ORGANIZER
# Paste it into the headers below.

mutation CreateConcert {
  createConcert(input: { title: "Evening of soundtracks" }) { id title organizerId createdAt }
}
`;

const createSeries = `# One date of the concert of the tab before. Without
# \`sections\`: the standard house of 50 seats.

mutation CreateSeries($concertId: ID!) {
  createSeries(
    input: {
      concertId: $concertId
      startAt: "2030-05-01T10:00:00Z"
      endAt: "2030-05-01T12:30:00Z"
      reserveStartAt: "2025-01-01T00:00:00Z"
      reserveEndAt: "2030-05-01T09:00:00Z"
      sections: [
        { name: "Floor", rows: 10, cols: 20, price: 120000 }
        { name: "Balcony", rows: 6, cols: 30, price: 70000 }
      ]
      queuePolicy: { maxActive: 50, sessionSeconds: 600, maxSeatsPerUser: 4 }
    }
  ) {
    id
    status
    seatCount
    queuePolicy { maxActive admitPerInterval intervalSeconds }
  }
}
`;

const runSale = `# Pick one operation with the run button.

mutation Pause($newSeriesId: ID!) { pauseSale(seriesId: $newSeriesId) { id status } }

mutation Resume($newSeriesId: ID!) { resumeSale(seriesId: $newSeriesId) { id status } }

mutation Policy($newSeriesId: ID!) {
  updateQueuePolicy(input: { seriesId: $newSeriesId, queuePolicy: { maxActive: 200 } }) {
    id
    queuePolicy { maxActive admitPerInterval intervalSeconds }
  }
}

subscription Stats($newSeriesId: ID!) {
  saleStats(seriesId: $newSeriesId) { waiting admitted held reserved available revenue }
}
`;

/** The tabs that a first visit opens with. */
export const journey: JourneyTab[] = [
  { query: browse },
  { query: join, variables: '{ "seriesId": "{{seriesId}}" }' },
  { query: watch, headers: asFan },
  { query: seatMap, variables: '{ "seriesId": "{{seriesId}}" }' },
  { query: seats, variables: '{ "seriesId": "{{seriesId}}" }' },
  { query: watchSeats, variables: '{ "seriesId": "{{seriesId}}" }' },
  { query: hold, variables: '{ "seatId": "{{seatId}}" }', headers: asFan },
  { query: charge, variables: '{ "key": "{{newKey}}" }', headers: asFan },
  { query: pay, variables: '{ "key": "{{newKey}}" }', headers: asFan },
  { query: mine, headers: asFan },
  {
    query: cancel,
    variables: '{ "reservationId": "{{reservationId}}", "key": "{{newKey}}" }',
    headers: asFan,
  },
  { query: createConcert, headers: asOrganiser },
  { query: createSeries, variables: '{ "concertId": "{{concertId}}" }', headers: asOrganiser },
  { query: runSale, variables: '{ "newSeriesId": "{{newSeriesId}}" }', headers: asOrganiser },
];
