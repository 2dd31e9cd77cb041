"""The domain: sessions, intents, attempts, refunds, subscriptions. Money moves in `attempts` and nowhere else.

The modules form a ladder. Each may import from the lines below its own, never from its own line or from above, so there
is no cycle, and what happens on success is one visible call after another. import-linter keeps it (`pyproject.toml`).

    renewals | test_mode                        what time does to subscriptions; the developer's tools of test mode
    attempts | audit | figures | reconciliation    money moves; whether books agree; a dashboard's figures; statements
    inquiries                                   asking about what a statement says
    rerouting | ways                            a refusal goes to the next account; what a page's visitor can do
    abandonment | callbacks | conditions | enquiry | held | manual    the doors behind which reports arrive
    trials                                      cards that are saved for a trial
    breakers | elsewhere                        which accounts do not answer; money that moved at a provider without us
    settlement                                  the single place where a report is applied to our records
    consequences                                what follows once a report is booked
    subscriptions                               an agreement to pay again
    cancellations | contacts | invoices | visits    ends of intents; payers' addresses; periods; visits to links
    refund_checks                               refunds that have ended, asked about once more
    refunds | sessions | public_view           money on its way back; what is opened, found, expired; its public view
    intents | links | repeats                   amounts to collect; addresses to pay at; who may be paying twice
    budgets | collected | notes | prices        how often strangers may try; what a page collects, tells; a sale's cost
    account_setup | charges | customers | payment_methods | returns     what operators set up, and providers are given
    refund_books                                what the end of a refund changes
    cases | outbox | incidents                  events, each with the move that it tells of; what a person must look at
    devices | page_drafts | pay_keys | paces | polls | prefills | provider_states | quotes | merchant_view | routing
    references                                  what payers read on the receipt, and support searches by
    accounts | offers | snapshots               where money can be asked for; what is sold on which terms; what is shown
    health | next_actions | untried             what providers said; what payers have to do; what nobody tried to pay
    matching | reports | statement_files | statement_pile    whose a statement's lines are; days; statements, as read
    statement_columns                           what the columns of one mean
"""
