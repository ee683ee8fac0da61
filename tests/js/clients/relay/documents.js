// What Relay's compiler makes artifacts of: fragments, connections with paging in both directions, every kind of
// operation, and a problem with its types.
import { graphql } from 'relay-runtime';

export const pages = graphql`
  fragment documents_concerts on Query
  @refetchable(queryName: "documentsConcertsPageQuery")
  @argumentDefinitions(
    first: { type: "Int", defaultValue: 2 }
    after: { type: "String" }
    last: { type: "Int" }
    before: { type: "String" }
    search: { type: "String" }
  ) {
    concerts(first: $first, after: $after, last: $last, before: $before, search: $search)
      @connection(key: "documents_concerts", filters: ["search"]) {
      edges {
        node {
          ...documents_concert
        }
      }
      pageInfo {
        endCursor
        hasNextPage
        hasPreviousPage
        startCursor
      }
    }
  }
`;

export const concert = graphql`
  fragment documents_concert on Concert @argumentDefinitions(bookable: { type: "Boolean!", defaultValue: false }) {
    id
    title
    series(bookableOnly: $bookable) {
      id
      startAt
      status
      seatCount
    }
  }
`;

export const list = graphql`
  query documentsConcertsQuery {
    ...documents_concerts
  }
`;

export const one = graphql`
  query documentsConcertQuery($id: ID!) {
    concert(id: $id) {
      id
      ...documents_concert @arguments(bookable: true)
    }
  }
`;

export const own = graphql`
  query documentsOwnQuery($count: Int!) {
    points {
      userId
      balance
      history(first: $count) {
        edges {
          cursor
          node {
            id
            kind
            amount
          }
        }
      }
    }
    reservations(first: $count) @connection(key: "documentsOwn_reservations") {
      edges {
        node {
          id
          status
          seat {
            id
            number
          }
        }
      }
    }
  }
`;

export const charge = graphql`
  mutation documentsChargeMutation($input: ChargeInput!) {
    charge(input: $input) {
      points {
        userId
        balance
      }
      problem {
        __typename
        code
        message
        ... on InsufficientPoints {
          balance
          required
        }
      }
    }
  }
`;

export const join = graphql`
  mutation documentsJoinMutation($input: IssueTokenInput!) {
    issueToken(input: $input) {
      token
      tokenId
      position {
        status
        position
      }
    }
  }
`;

export const seats = graphql`
  subscription documentsSeatsSubscription($id: ID!, $since: Int) {
    seatAvailability(seriesId: $id, sinceVersion: $since) {
      version
      snapshot
      availableCount
      seats {
        id
        status
      }
    }
  }
`;

export const place = graphql`
  subscription documentsPlaceSubscription($token: ID) {
    queuePosition(tokenId: $token) {
      status
      position
      admittedUntil
    }
  }
`;
