/* A case and its ladder, as several sweepers, senders and people may interleave.

   Every change of state goes through `transitions.pml`, which is written from the state table of
   `crisis.case`. Time is one bit: `due` says that the one deadline has passed. A transaction is a
   d_step, or atomic where it may end in several ways; a crash is a process that does not do its
   next one. Checked under weak fairness (pan -f): whatever stays possible is done some day, but
   people may do nothing for ever. With SENDERS it also has the senders of pages, and fewer rungs.

   Wrong on purpose, each must fail: NOFENCE, DUALWRITE, NOREOPEN, EMPTYROTA.                    */

#include "transitions.pml"

#ifdef SENDERS
#define LAST 1
#else
#define LAST 3          /* rungs; the last one calls all hands and the desk, and repeats */
#endif
#define FENCES 4        /* more than claims can be under way, so that a fence may go round */
#define CRASHES 2
#define CONTACTS 2      /* of a follow-up */

#define calling (state == open || state == paging)
#define held    (state != open && state != paging && state != closed)

mtype:page = { none, queued, sending, sent, cancelled }

mtype:state state = initial_state;
bool armed = true;      /* next_due_at is not null */
bool due = true;
bool called = false;    /* the engine has just called somebody */
byte rung = 0;
bool manned[LAST + 1];
byte owner = 0;
byte contacts_left = 0;
byte raises_left = 1, lowers_left = 1, crashes_left = CRASHES;

mtype:page page = none;
byte fence = 0;
bool lease_over = false;

#define MAY_CRASH if :: true :: atomic { crashes_left > 0 -> crashes_left--; goto again } fi

/* One transaction: rung, pages and the next deadline together. */
inline climb() {
    if
    :: rung < LAST -> rung++
    :: else
    fi;
#ifndef EMPTYROTA
    do
    :: rung < LAST && !manned[rung] -> rung++
    :: else -> break
    od;
#endif
    assert(rung == LAST || manned[rung]);
    go_page();
    page = queued;
    fence = (fence + 1) % FENCES;
    lease_over = false;
    due = false;
    called = true
}

inline lapse() {
    go_lapse();
    owner = 0;
    contacts_left = 0
}

inline close_it() {
    go_close();
    owner = 0;
    armed = false;
    due = false
}

active [2] proctype Sweeper() {
again:
    do
    :: d_step {
#ifdef NOREOPEN
        armed && due && calling ->
#else
        armed && due ->
        if
        :: held -> lapse()
        :: else
        fi;
#endif
        climb();
#ifdef DUALWRITE
        armed = false
    }
    MAY_CRASH;
    d_step {
        armed = (state != closed)
#endif
    }
    od
}

#ifdef SENDERS
active [2] proctype Sender() {
    byte mine;
again:
    do
    :: atomic {
        calling && (page == queued || (page == sending && lease_over)) ->
        page = sending;
        fence = (fence + 1) % FENCES;
        lease_over = false;
        mine = fence
    }
    MAY_CRASH;
    atomic {
#ifdef NOFENCE
        page == sending || true ->
#else
        if
        :: page == sending && fence == mine
        :: else -> goto again
        fi;
#endif
        assert(fence == mine);
        if
        :: page = sent
        :: page = queued                /* not accepted: tried again */
        fi
    }
    :: atomic { !calling && page == queued -> page = cancelled }
    od
}
#endif

active proctype Person() {
    byte who = 1;
    do
    :: select (who : 1 .. 2)            /* nobody has to do anything */
    :: d_step { may_acknowledge -> assert(owner == 0); go_acknowledge(); owner = who; due = false;
                if :: page == queued -> page = cancelled :: else fi }
    :: d_step { may_take_over -> go_take_over(); owner = who }
    :: d_step { may_log_contact -> go_log_contact(); due = false }
    :: d_step { may_dispatch -> go_dispatch() }
    :: d_step { may_hand_over -> go_hand_over() }
    :: d_step { may_lower_tier && lowers_left > 0 -> lowers_left--; go_lower_tier(); rung = 0;
                due = false }
    :: d_step { may_follow_up -> go_follow_up(); contacts_left = CONTACTS; due = false }
    :: d_step { may_keep_contact -> go_keep_contact(); due = false; contacts_left--;
                if
                :: contacts_left == 0 -> close_it()
                :: else
                fi }
    :: d_step { may_close && state != follow_up -> close_it() }
    :: d_step { may_raise_tier && raises_left > 0 -> raises_left--; go_raise_tier(); owner = 0;
                contacts_left = 0; rung = 0; climb() }
    od
}

/* Each for itself, since fairness is between processes. */
active proctype Deadline() { do :: atomic { armed && !due -> due = true } od }
active proctype Seen()     { do :: atomic { called -> called = false } od }

#ifdef SENDERS
active proctype Lease()    { do :: atomic { page == sending && !lease_over -> lease_over = true } od }
#else
active proctype Rota()     { do :: true; true :: manned[1] = !manned[1] :: manned[2] = !manned[2] od }
#endif

/* Whoever has a case does not keep it for ever without doing the next thing, and a case that
   nobody has is called out again and again. */
ltl progress { [] <> (called || state == closed) }
ltl never_silent { [] (armed == (state != closed)) }
ltl one_has_it { [] (held == (owner != 0)) }
