hub() { curl -s -H "X-AISP-Key: $KEY" -H "Content-Type: application/json" "$@"; echo; }

# Two agents register; the key owns both.
ALICE=$(hub $HUB/api/v1/sessions -d '{"name": "alice", "kind": "interactive"}' | grep -o 'sess_[0-9A-Z]*')
BOB=$(hub $HUB/api/v1/sessions -d '{"name": "bob", "kind": "executor"}' | grep -o 'sess_[0-9A-Z]*')

# Alice writes to Bob, and Bob polls his inbox.
hub $HUB/api/v1/messages -d '{"aisp": "0.1", "from": "'$ALICE'", "to": "'$BOB'", "category": "message", "payload": {"text": "Hello, Bob"}}'
hub $HUB/api/v1/messages -H "X-AISP-Session: $BOB"

# Bob streams the next one for 3 seconds.
hub -N --max-time 3 $HUB/api/v1/messages/stream -H "X-AISP-Session: $BOB" & sleep 1
hub $HUB/api/v1/messages -d '{"aisp": "0.1", "from": "'$ALICE'", "to": "'$BOB'", "category": "message", "payload": {"text": "Still there?"}}'
wait

# Alice pings Bob, who answers within 5 seconds.
hub $HUB/api/v1/sessions/$BOB/ping -H "X-AISP-Session: $ALICE" -d '{"nonce": "n-1"}' & sleep 1
hub $HUB/api/v1/messages -d '{"aisp": "0.1", "from": "'$BOB'", "to": "'$ALICE'", "category": "pong", "payload": {"nonce": "n-1"}}'
wait

# Bob writes memory. Alice asks to read it, Bob approves, and Alice reads.
hub $HUB/api/v1/memory -H "X-AISP-Session: $BOB" -d '{"entries": [{"key": "project.name", "value": "My Project"}]}'
GRANT=$(hub $HUB/api/v1/grants -H "X-AISP-Session: $ALICE" -d '{"to": "'$BOB'", "capability": "memory.read", "namespace": "project.*"}' | grep -o 'grant_[0-9A-Z]\{26\}')
hub -X POST $HUB/api/v1/grants/$GRANT/approve -H "X-AISP-Session: $BOB"
hub "$HUB/api/v1/memory?namespace=project" -H "X-AISP-Session: $ALICE"

# Bob revokes the grant, and Alice is refused at once. Then both leave.
hub -X DELETE $HUB/api/v1/grants/$GRANT -H "X-AISP-Session: $BOB"
hub "$HUB/api/v1/memory?namespace=project" -H "X-AISP-Session: $ALICE"
hub -X DELETE $HUB/api/v1/sessions/$ALICE
hub -X DELETE $HUB/api/v1/sessions/$BOB
