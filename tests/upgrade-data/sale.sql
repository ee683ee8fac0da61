--
-- PostgreSQL database dump
--


-- Dumped from database version 15.18 (Debian 15.18-0+deb12u1)
-- Dumped by pg_dump version 15.18 (Debian 15.18-0+deb12u1)

SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;

SET default_tablespace = '';

SET default_table_access_method = heap;

--
-- Name: concert; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.concert (
    id uuid NOT NULL,
    title text NOT NULL,
    organizer_id text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    search_text text,
    number bigint DEFAULT 0 NOT NULL
);


--
-- Name: hold; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.hold (
    id uuid NOT NULL,
    user_id text NOT NULL,
    token_id uuid NOT NULL,
    series_id uuid NOT NULL,
    seat_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL,
    expires_at timestamp with time zone NOT NULL,
    status text NOT NULL
);


--
-- Name: idempotency_key; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.idempotency_key (
    user_id text NOT NULL,
    key text NOT NULL,
    fingerprint text NOT NULL,
    result_id uuid NOT NULL,
    created_at timestamp with time zone NOT NULL
);


--
-- Name: payment; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.payment (
    id uuid NOT NULL,
    user_id text NOT NULL,
    series_id uuid NOT NULL,
    amount integer NOT NULL,
    refunded integer NOT NULL,
    created_at timestamp with time zone NOT NULL,
    line integer DEFAULT 0 NOT NULL,
    CONSTRAINT payment_check CHECK (((refunded >= 0) AND (refunded <= amount)))
);


--
-- Name: point_history; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.point_history (
    id uuid NOT NULL,
    user_id text NOT NULL,
    line integer NOT NULL,
    kind text NOT NULL,
    amount integer NOT NULL,
    balance_after integer NOT NULL,
    payment_id uuid,
    created_at timestamp with time zone NOT NULL,
    actor_id text
);


--
-- Name: reservation; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.reservation (
    id uuid NOT NULL,
    user_id text NOT NULL,
    series_id uuid NOT NULL,
    seat_id uuid NOT NULL,
    payment_id uuid NOT NULL,
    price integer NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    line integer DEFAULT 0 NOT NULL
);


--
-- Name: room; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.room (
    series_id uuid NOT NULL,
    epoch bigint NOT NULL,
    decision bigint NOT NULL,
    decision_id uuid
);


--
-- Name: seaql_migrations; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seaql_migrations (
    version character varying NOT NULL,
    applied_at bigint NOT NULL
);


--
-- Name: seat; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.seat (
    id uuid NOT NULL,
    series_id uuid NOT NULL,
    number integer NOT NULL,
    section text NOT NULL,
    "row" integer NOT NULL,
    col integer NOT NULL,
    price integer NOT NULL,
    hold_id uuid,
    held_until timestamp with time zone,
    reservation_id uuid,
    CONSTRAINT seat_check CHECK (((hold_id IS NULL) OR (reservation_id IS NULL))),
    CONSTRAINT seat_check1 CHECK (((hold_id IS NULL) = (held_until IS NULL)))
);


--
-- Name: series; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.series (
    id uuid NOT NULL,
    concert_id uuid NOT NULL,
    start_at timestamp with time zone NOT NULL,
    end_at timestamp with time zone NOT NULL,
    reserve_start_at timestamp with time zone NOT NULL,
    reserve_end_at timestamp with time zone NOT NULL,
    paused boolean NOT NULL,
    seat_count integer NOT NULL,
    reserved_count integer NOT NULL,
    version integer NOT NULL,
    max_active integer,
    admit_per_interval integer,
    interval_seconds integer NOT NULL,
    heartbeat_timeout_seconds integer NOT NULL,
    session_seconds integer NOT NULL,
    max_seats_per_user integer NOT NULL,
    draw_secret text NOT NULL,
    drawn_at timestamp with time zone,
    created_at timestamp with time zone NOT NULL,
    settings integer DEFAULT 0 NOT NULL,
    stage text DEFAULT 'READY'::text NOT NULL,
    stage_at timestamp with time zone,
    CONSTRAINT series_check CHECK (((reserved_count >= 0) AND (reserved_count <= seat_count)))
);


--
-- Name: token; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.token (
    id uuid NOT NULL,
    series_id uuid NOT NULL,
    user_id text NOT NULL,
    name text NOT NULL,
    seq bigint NOT NULL,
    lobby boolean NOT NULL,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    admitted_at timestamp with time zone,
    session_ends_at timestamp with time zone,
    ended_at timestamp with time zone
);


--
-- Name: unpaid; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.unpaid (
    series_id uuid NOT NULL,
    user_id text NOT NULL,
    ended integer NOT NULL,
    brief_ms bigint NOT NULL,
    barred_since timestamp with time zone,
    barred_until timestamp with time zone,
    CONSTRAINT unpaid_check CHECK (((barred_since IS NULL) = (barred_until IS NULL)))
);


--
-- Name: wallet; Type: TABLE; Schema: public; Owner: -
--

CREATE TABLE public.wallet (
    user_id text NOT NULL,
    balance integer NOT NULL,
    lines integer NOT NULL,
    CONSTRAINT wallet_balance_check CHECK (((balance >= 0) AND (balance <= 1000000000)))
);


--
-- Data for Name: concert; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.concert VALUES ('01a21809-a0cf-71ba-ad34-7110ba0c6f03', 'Soundtracks', 'organizer', '2026-11-26 13:26:53.903+00', 'soundtracks', 1);


--
-- Data for Name: hold; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.hold VALUES ('01a21809-a43e-70c7-8f56-5290a279abcb', 'early-bird', '01a21809-a412-70de-b4b5-cfefa761f551', '01a21809-a2d7-7395-acc8-d662820c35c1', '01a21809-a2e4-72b8-9529-b6456b75974d', '2026-11-26 13:26:54.782+00', '2026-11-26 13:31:54.782+00', 'CONFIRMED');
INSERT INTO public.hold VALUES ('01a21809-bd60-75d0-9829-28737c85b9b1', 'lobby-3', '01a21809-a16f-739b-a398-e959c1098a51', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816a-507d982d63dc', '2026-11-26 13:27:01.216+00', '2026-11-26 13:32:01.216+00', 'CONFIRMED');
INSERT INTO public.hold VALUES ('01a21809-bd60-75d0-982a-1a7f185e896b', 'lobby-3', '01a21809-a16f-739b-a398-e959c1098a51', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816b-127065b9df5b', '2026-11-26 13:27:01.216+00', '2026-11-26 13:32:01.216+00', 'CONFIRMED');
INSERT INTO public.hold VALUES ('01a21809-be55-76be-9d8d-c85c17f367fe', 'lobby-5', '01a21809-a1ad-77e9-a56e-39500ff49dfe', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816b-34e86ff8632a', '2026-11-26 13:27:01.461+00', '2026-11-26 13:32:01.461+00', 'RELEASED');
INSERT INTO public.hold VALUES ('01a2180a-b1df-77d6-9b2a-52a0825f6b1c', 'lobby-5', '01a21809-a1ad-77e9-a56e-39500ff49dfe', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816b-71ad64d17e2e', '2026-11-26 13:28:03.807+00', '2026-11-26 13:33:03.807+00', 'ACTIVE');
INSERT INTO public.hold VALUES ('01a2180a-b200-7081-b9c2-a16586ec013e', 'lobby-7', '01a21809-a1f5-7116-90d9-ee98f7a66f4e', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816b-8057b3b14db6', '2026-11-26 13:28:03.84+00', '2026-11-26 13:33:03.84+00', 'ACTIVE');
INSERT INTO public.hold VALUES ('01a2180a-b200-7081-b9c2-c6b413a73800', 'lobby-7', '01a21809-a1f5-7116-90d9-ee98f7a66f4e', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816c-74603012b7f7', '2026-11-26 13:28:03.84+00', '2026-11-26 13:33:03.84+00', 'ACTIVE');


--
-- Data for Name: idempotency_key; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.idempotency_key VALUES ('early-bird', 'charge', 'charge early-bird 50000', '01a21809-a474-7173-8b68-62190f0c793e', '2026-11-26 13:26:54.836+00');
INSERT INTO public.idempotency_key VALUES ('early-bird', 'pay', 'pay 01a21809-a2d7-7395-acc8-d662820c35c1 all', '01a21809-a4aa-70dd-a325-545f174975b7', '2026-11-26 13:26:54.89+00');
INSERT INTO public.idempotency_key VALUES ('lobby-3', 'charge', 'charge lobby-3 100000', '01a21809-bd8e-7660-9b80-11f5dccba161', '2026-11-26 13:27:01.262+00');
INSERT INTO public.idempotency_key VALUES ('lobby-3', 'use', 'use 1000', '01a21809-bdb9-7602-bc9b-56bee83ba1ef', '2026-11-26 13:27:01.305+00');
INSERT INTO public.idempotency_key VALUES ('lobby-3', 'pay', 'pay 01a21809-a0d8-76be-8072-92ae6ab8b43c all', '01a21809-bdf1-7147-9b42-4b894c7d114d', '2026-11-26 13:27:01.361+00');
INSERT INTO public.idempotency_key VALUES ('lobby-3', 'cancel', 'cancel 01a21809-bdf1-7147-9b43-3ea58afdec78', '01a21809-bdf1-7147-9b43-3ea58afdec78', '2026-11-26 13:27:01.397+00');


--
-- Data for Name: payment; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.payment VALUES ('01a21809-a4aa-70dd-a325-545f174975b7', 'early-bird', '01a21809-a2d7-7395-acc8-d662820c35c1', 10000, 0, '2026-11-26 13:26:54.89+00', 2);
INSERT INTO public.payment VALUES ('01a21809-bdf1-7147-9b42-4b894c7d114d', 'lobby-3', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 20000, 10000, '2026-11-26 13:27:01.361+00', 3);


--
-- Data for Name: point_history; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.point_history VALUES ('01a21809-a474-7173-8b68-62190f0c793e', 'early-bird', 1, 'CHARGE', 50000, 50000, NULL, '2026-11-26 13:26:54.836+00', NULL);
INSERT INTO public.point_history VALUES ('01a21809-a4aa-70dd-a325-d59da1d788fc', 'early-bird', 2, 'USE', -10000, 40000, '01a21809-a4aa-70dd-a325-545f174975b7', '2026-11-26 13:26:54.89+00', NULL);
INSERT INTO public.point_history VALUES ('01a21809-bd8e-7660-9b80-11f5dccba161', 'lobby-3', 1, 'CHARGE', 100000, 100000, NULL, '2026-11-26 13:27:01.262+00', NULL);
INSERT INTO public.point_history VALUES ('01a21809-bdb9-7602-bc9b-56bee83ba1ef', 'lobby-3', 2, 'USE', -1000, 99000, NULL, '2026-11-26 13:27:01.305+00', NULL);
INSERT INTO public.point_history VALUES ('01a21809-bdf1-7147-9b42-4cddd99438fd', 'lobby-3', 3, 'USE', -20000, 79000, '01a21809-bdf1-7147-9b42-4b894c7d114d', '2026-11-26 13:27:01.361+00', NULL);
INSERT INTO public.point_history VALUES ('01a21809-be15-7128-9c20-8077a0abb931', 'lobby-3', 4, 'REFUND', 10000, 89000, '01a21809-bdf1-7147-9b42-4b894c7d114d', '2026-11-26 13:27:01.397+00', NULL);


--
-- Data for Name: reservation; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.reservation VALUES ('01a21809-a4aa-70dd-a326-3df2db8d7657', 'early-bird', '01a21809-a2d7-7395-acc8-d662820c35c1', '01a21809-a2e4-72b8-9529-b6456b75974d', '01a21809-a4aa-70dd-a325-545f174975b7', 10000, 'CONFIRMED', '2026-11-26 13:26:54.89+00', 2);
INSERT INTO public.reservation VALUES ('01a21809-bdf1-7147-9b43-b8dd544401ac', 'lobby-3', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816b-127065b9df5b', '01a21809-bdf1-7147-9b42-4b894c7d114d', 10000, 'CONFIRMED', '2026-11-26 13:27:01.361+00', 3);
INSERT INTO public.reservation VALUES ('01a21809-bdf1-7147-9b43-3ea58afdec78', 'lobby-3', '01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0e5-75b3-816a-507d982d63dc', '01a21809-bdf1-7147-9b42-4b894c7d114d', 10000, 'CANCELLED', '2026-11-26 13:27:01.361+00', 3);


--
-- Data for Name: room; Type: TABLE DATA; Schema: public; Owner: -
--



--
-- Data for Name: seaql_migrations; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.seaql_migrations VALUES ('m0001_catalog', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0002_room', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0003_sale', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0004_processes', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0005_unpaid', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0006_building', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0007_key_age', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0008_ledger_actor', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0009_search', 1795699613);
INSERT INTO public.seaql_migrations VALUES ('m0010_commit_order', 1795699613);


--
-- Data for Name: seat; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816c-9bc14c54ee57', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 7, 'Floor', 2, 2, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816d-579e091afe02', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 8, 'Floor', 2, 3, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816e-015263ac22aa', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 9, 'Floor', 2, 4, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816e-689eee458bb4', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 10, 'Floor', 2, 5, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a24f-77db-b236-fa5ddf897687', '01a21809-a249-71f3-bab3-8cb95d8d24fe', 1, 'Floor', 1, 1, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba60-a482d10ca3d1', '01a21809-a32d-7419-9ef4-46e064f443f7', 1, 'Floor', 1, 1, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba61-1be0fb38989b', '01a21809-a32d-7419-9ef4-46e064f443f7', 2, 'Floor', 1, 2, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba61-d329c26901ce', '01a21809-a32d-7419-9ef4-46e064f443f7', 3, 'Floor', 1, 3, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba61-ee1a419cb898', '01a21809-a32d-7419-9ef4-46e064f443f7', 4, 'Floor', 1, 4, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba62-203ea3f12385', '01a21809-a32d-7419-9ef4-46e064f443f7', 5, 'Floor', 1, 5, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba62-eb0ec71e427e', '01a21809-a32d-7419-9ef4-46e064f443f7', 6, 'Floor', 2, 1, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba63-b110f79f1da3', '01a21809-a32d-7419-9ef4-46e064f443f7', 7, 'Floor', 2, 2, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba64-3cfe5e60cb5c', '01a21809-a32d-7419-9ef4-46e064f443f7', 8, 'Floor', 2, 3, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba65-3bd14e447771', '01a21809-a32d-7419-9ef4-46e064f443f7', 9, 'Floor', 2, 4, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a335-7575-ba65-ece2a1f40f39', '01a21809-a32d-7419-9ef4-46e064f443f7', 10, 'Floor', 2, 5, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a2e4-72b8-9529-b6456b75974d', '01a21809-a2d7-7395-acc8-d662820c35c1', 1, 'Floor', 1, 1, 10000, NULL, NULL, '01a21809-a4aa-70dd-a326-3df2db8d7657');
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816b-127065b9df5b', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 2, 'Floor', 1, 2, 10000, NULL, NULL, '01a21809-bdf1-7147-9b43-b8dd544401ac');
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816a-507d982d63dc', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 1, 'Floor', 1, 1, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816b-34e86ff8632a', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 3, 'Floor', 1, 3, 10000, NULL, NULL, NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816b-71ad64d17e2e', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 4, 'Floor', 1, 4, 10000, '01a2180a-b1df-77d6-9b2a-52a0825f6b1c', '2026-11-26 13:33:03.807+00', NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816b-8057b3b14db6', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 5, 'Floor', 1, 5, 10000, '01a2180a-b200-7081-b9c2-a16586ec013e', '2026-11-26 13:33:03.84+00', NULL);
INSERT INTO public.seat VALUES ('01a21809-a0e5-75b3-816c-74603012b7f7', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 6, 'Floor', 2, 1, 10000, '01a2180a-b200-7081-b9c2-c6b413a73800', '2026-11-26 13:33:03.84+00', NULL);


--
-- Data for Name: series; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.series VALUES ('01a21809-a249-71f3-bab3-8cb95d8d24fe', '01a21809-a0cf-71ba-ad34-7110ba0c6f03', '2099-06-02 00:00:00+00', '2099-06-03 00:00:00+00', '2026-11-26 13:25:54.274+00', '2026-11-26 13:26:59.274+00', false, 1, 0, 0, 1, NULL, 60, 3600, 3600, 4, '2ac2973500fdbcd7729b9989a9be88856e0b6f31af2f3faefa2432ff35786d93', '2026-11-26 13:26:54.365+00', '2026-11-26 13:26:54.281+00', 0, 'READY', NULL);
INSERT INTO public.series VALUES ('01a21809-a32d-7419-9ef4-46e064f443f7', '01a21809-a0cf-71ba-ad34-7110ba0c6f03', '2099-06-02 00:00:00+00', '2099-06-03 00:00:00+00', '2099-01-01 00:00:00+00', '2099-06-01 00:00:00+00', false, 10, 0, 0, 100, NULL, 60, 3600, 3600, 4, '903d271e1c52b8211a3f78d94ca1395fc11f51efad6970fa0d65528f18cc286e', NULL, '2026-11-26 13:26:54.509+00', 0, 'READY', NULL);
INSERT INTO public.series VALUES ('01a21809-a2d7-7395-acc8-d662820c35c1', '01a21809-a0cf-71ba-ad34-7110ba0c6f03', '2099-06-02 00:00:00+00', '2099-06-03 00:00:00+00', '2026-11-26 13:25:54.397+00', '2099-06-01 00:00:00+00', false, 1, 1, 2, 1, NULL, 60, 3600, 3600, 4, '17ec034fbb48472bcfcfa0cf37849afedfd9e4b0c3626ca1d48dde5c6a0283a3', '2026-11-26 13:26:54.477+00', '2026-11-26 13:26:54.423+00', 0, 'READY', NULL);
INSERT INTO public.series VALUES ('01a21809-a0d8-76be-8072-92ae6ab8b43c', '01a21809-a0cf-71ba-ad34-7110ba0c6f03', '2099-06-02 00:00:00+00', '2099-06-03 00:00:00+00', '2026-11-26 13:26:57.909+00', '2099-06-01 00:00:00+00', false, 10, 1, 7, 3, NULL, 60, 3600, 3600, 4, 'c0746fc5a978c72e08eaf5d41f4b26d71dcc0597d3a12f7806c4adbf6ed2b3b4', '2026-11-26 13:26:57.91+00', '2026-11-26 13:26:53.912+00', 0, 'READY', NULL);


--
-- Data for Name: token; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.token VALUES ('01a21809-a10a-70a3-b433-2833ed3ce55e', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-0', '', 0, true, 'WAITING', '2026-11-26 13:26:53.962+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a12f-724b-82d9-cdd128f4bd05', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-2', '', 2, true, 'WAITING', '2026-11-26 13:26:53.999+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a19c-772c-a031-6c7febad339c', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-4', '', 4, true, 'WAITING', '2026-11-26 13:26:54.108+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a221-7181-9d40-0c10f2275d8f', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-8', '', 8, true, 'WAITING', '2026-11-26 13:26:54.241+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a382-7294-8fcf-1a34a87ff29f', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-0', '', 0, true, 'WAITING', '2026-11-26 13:26:54.594+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a390-71ce-aafb-e24ba130dff6', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-1', '', 1, true, 'WAITING', '2026-11-26 13:26:54.608+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a3a8-777b-a019-f64fe9c9188a', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-2', '', 2, true, 'WAITING', '2026-11-26 13:26:54.632+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a3d3-7702-b555-928463243894', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-4', '', 4, true, 'WAITING', '2026-11-26 13:26:54.675+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a3e6-722d-aaff-3b4a25b8c1f8', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-5', '', 5, true, 'WAITING', '2026-11-26 13:26:54.694+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a400-732e-a8e4-1518791a3ec7', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-6', '', 6, true, 'WAITING', '2026-11-26 13:26:54.72+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a3bf-704b-9890-23c7efd66542', '01a21809-a32d-7419-9ef4-46e064f443f7', 'early-3', '', 3, true, 'LEFT', '2026-11-26 13:26:54.655+00', NULL, NULL, '2026-11-26 13:26:54.725+00');
INSERT INTO public.token VALUES ('01a21809-a41f-7171-b85d-f082cb4d8c3c', '01a21809-a2d7-7395-acc8-d662820c35c1', 'late-bird', '', 1, false, 'WAITING', '2026-11-26 13:26:54.77+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a412-70de-b4b5-cfefa761f551', '01a21809-a2d7-7395-acc8-d662820c35c1', 'early-bird', '', 0, false, 'COMPLETED', '2026-11-26 13:26:54.738+00', '2026-11-26 13:26:54.74+00', '2026-11-26 14:26:54.74+00', '2026-11-26 13:26:54.89+00');
INSERT INTO public.token VALUES ('01a21809-a500-712d-b751-2b894eb32ef0', '01a21809-a249-71f3-bab3-8cb95d8d24fe', 'chooser', '', 0, false, 'ADMITTED', '2026-11-26 13:26:54.985+00', '2026-11-26 13:26:55.016+00', '2026-11-26 14:26:55.016+00', NULL);
INSERT INTO public.token VALUES ('01a21809-a1ad-77e9-a56e-39500ff49dfe', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-5', '', 5, true, 'ADMITTED', '2026-11-26 13:26:54.125+00', '2026-11-26 13:26:57.913+00', '2026-11-26 14:26:57.913+00', NULL);
INSERT INTO public.token VALUES ('01a21809-a1f5-7116-90d9-ee98f7a66f4e', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-7', '', 7, true, 'ADMITTED', '2026-11-26 13:26:54.2+00', '2026-11-26 13:26:57.913+00', '2026-11-26 14:26:57.913+00', NULL);
INSERT INTO public.token VALUES ('01a21809-a55e-734e-addb-758b80feb927', '01a21809-a249-71f3-bab3-8cb95d8d24fe', 'waiter', '', 1, false, 'EXPIRED', '2026-11-26 13:26:55.07+00', NULL, NULL, '2026-11-26 13:26:59.276+00');
INSERT INTO public.token VALUES ('01a21809-a16f-739b-a398-e959c1098a51', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-3', '', 3, true, 'COMPLETED', '2026-11-26 13:26:54.063+00', '2026-11-26 13:26:57.913+00', '2026-11-26 14:26:57.913+00', '2026-11-26 13:27:01.361+00');
INSERT INTO public.token VALUES ('01a21809-a1c6-77b5-9b9c-14b00caf12f2', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-6', '', 6, true, 'ADMITTED', '2026-11-26 13:26:54.15+00', '2026-11-26 13:27:01.369+00', '2026-11-26 14:27:01.369+00', NULL);
INSERT INTO public.token VALUES ('01a21809-be87-733b-81b3-fcd07c54b35a', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'later-0', '', 9, false, 'WAITING', '2026-11-26 13:27:01.511+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-bed1-7213-9b85-5d7ccde4f863', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'later-2', '', 11, false, 'WAITING', '2026-11-26 13:27:01.585+00', NULL, NULL, NULL);
INSERT INTO public.token VALUES ('01a21809-a116-7086-a5b9-be4c9ea9f8fd', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-1', '', 1, true, 'LEFT', '2026-11-26 13:26:53.974+00', NULL, NULL, '2026-11-26 13:27:01.671+00');
INSERT INTO public.token VALUES ('01a21809-bead-756d-b01e-b649b98bf9d4', '01a21809-a0d8-76be-8072-92ae6ab8b43c', 'later-1', '', 10, false, 'LEFT', '2026-11-26 13:27:01.549+00', NULL, NULL, '2026-11-26 13:27:01.681+00');


--
-- Data for Name: unpaid; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.unpaid VALUES ('01a21809-a0d8-76be-8072-92ae6ab8b43c', 'lobby-5', 1, 0, NULL, NULL);


--
-- Data for Name: wallet; Type: TABLE DATA; Schema: public; Owner: -
--

INSERT INTO public.wallet VALUES ('early-bird', 40000, 2);
INSERT INTO public.wallet VALUES ('lobby-3', 89000, 4);


--
-- Name: concert concert_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.concert
    ADD CONSTRAINT concert_pkey PRIMARY KEY (id);


--
-- Name: hold hold_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_pkey PRIMARY KEY (id);


--
-- Name: idempotency_key idempotency_key_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.idempotency_key
    ADD CONSTRAINT idempotency_key_pkey PRIMARY KEY (user_id, key);


--
-- Name: payment payment_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.payment
    ADD CONSTRAINT payment_pkey PRIMARY KEY (id);


--
-- Name: point_history point_history_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.point_history
    ADD CONSTRAINT point_history_pkey PRIMARY KEY (id);


--
-- Name: reservation reservation_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_pkey PRIMARY KEY (id);


--
-- Name: room room_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.room
    ADD CONSTRAINT room_pkey PRIMARY KEY (series_id);


--
-- Name: seaql_migrations seaql_migrations_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seaql_migrations
    ADD CONSTRAINT seaql_migrations_pkey PRIMARY KEY (version);


--
-- Name: seat seat_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seat
    ADD CONSTRAINT seat_pkey PRIMARY KEY (id);


--
-- Name: series series_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_pkey PRIMARY KEY (id);


--
-- Name: token token_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.token
    ADD CONSTRAINT token_pkey PRIMARY KEY (id);


--
-- Name: unpaid unpaid_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.unpaid
    ADD CONSTRAINT unpaid_pkey PRIMARY KEY (series_id, user_id);


--
-- Name: wallet wallet_pkey; Type: CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.wallet
    ADD CONSTRAINT wallet_pkey PRIMARY KEY (user_id);


--
-- Name: concert_number; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX concert_number ON public.concert USING btree (number);


--
-- Name: concert_of_organizer; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX concert_of_organizer ON public.concert USING btree (organizer_id, created_at);


--
-- Name: concert_unfolded; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX concert_unfolded ON public.concert USING btree (id) WHERE (search_text IS NULL);


--
-- Name: hold_due; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_due ON public.hold USING btree (expires_at) WHERE (status = 'ACTIVE'::text);


--
-- Name: hold_of_seat; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX hold_of_seat ON public.hold USING btree (seat_id) WHERE (status = 'ACTIVE'::text);


--
-- Name: hold_of_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_of_user ON public.hold USING btree (user_id, series_id);


--
-- Name: hold_seat; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX hold_seat ON public.hold USING btree (seat_id);


--
-- Name: idempotency_key_age; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX idempotency_key_age ON public.idempotency_key USING btree (created_at);


--
-- Name: payment_of_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX payment_of_user ON public.payment USING btree (user_id, line);


--
-- Name: point_history_line; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX point_history_line ON public.point_history USING btree (user_id, line);


--
-- Name: point_history_of_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX point_history_of_payment ON public.point_history USING btree (payment_id);


--
-- Name: reservation_of_payment; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reservation_of_payment ON public.reservation USING btree (payment_id);


--
-- Name: reservation_of_seat; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX reservation_of_seat ON public.reservation USING btree (seat_id) WHERE (status = 'CONFIRMED'::text);


--
-- Name: reservation_of_series; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reservation_of_series ON public.reservation USING btree (series_id) WHERE (status = 'CONFIRMED'::text);


--
-- Name: reservation_of_user; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reservation_of_user ON public.reservation USING btree (user_id, line, id);


--
-- Name: reservation_seat; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX reservation_seat ON public.reservation USING btree (seat_id);


--
-- Name: seat_number; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX seat_number ON public.seat USING btree (series_id, number);


--
-- Name: series_created; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX series_created ON public.series USING btree (created_at);


--
-- Name: series_of_concert; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX series_of_concert ON public.series USING btree (concert_id);


--
-- Name: series_unfinished; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX series_unfinished ON public.series USING btree (stage) WHERE (stage <> 'READY'::text);


--
-- Name: token_admitted; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX token_admitted ON public.token USING btree (series_id, admitted_at) WHERE (admitted_at IS NOT NULL);


--
-- Name: token_live; Type: INDEX; Schema: public; Owner: -
--

CREATE UNIQUE INDEX token_live ON public.token USING btree (series_id, user_id) WHERE (status = ANY (ARRAY['WAITING'::text, 'ADMITTED'::text]));


--
-- Name: token_seq; Type: INDEX; Schema: public; Owner: -
--

CREATE INDEX token_seq ON public.token USING btree (series_id, seq);


--
-- Name: hold hold_seat_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_seat_id_fkey FOREIGN KEY (seat_id) REFERENCES public.seat(id);


--
-- Name: hold hold_token_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.hold
    ADD CONSTRAINT hold_token_id_fkey FOREIGN KEY (token_id) REFERENCES public.token(id);


--
-- Name: point_history point_history_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.point_history
    ADD CONSTRAINT point_history_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);


--
-- Name: point_history point_history_user_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.point_history
    ADD CONSTRAINT point_history_user_id_fkey FOREIGN KEY (user_id) REFERENCES public.wallet(user_id);


--
-- Name: reservation reservation_payment_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_payment_id_fkey FOREIGN KEY (payment_id) REFERENCES public.payment(id);


--
-- Name: reservation reservation_seat_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.reservation
    ADD CONSTRAINT reservation_seat_id_fkey FOREIGN KEY (seat_id) REFERENCES public.seat(id);


--
-- Name: room room_series_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.room
    ADD CONSTRAINT room_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);


--
-- Name: seat seat_series_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.seat
    ADD CONSTRAINT seat_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);


--
-- Name: series series_concert_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.series
    ADD CONSTRAINT series_concert_id_fkey FOREIGN KEY (concert_id) REFERENCES public.concert(id);


--
-- Name: token token_series_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.token
    ADD CONSTRAINT token_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);


--
-- Name: unpaid unpaid_series_id_fkey; Type: FK CONSTRAINT; Schema: public; Owner: -
--

ALTER TABLE ONLY public.unpaid
    ADD CONSTRAINT unpaid_series_id_fkey FOREIGN KEY (series_id) REFERENCES public.series(id);


--
-- PostgreSQL database dump complete
--


