package web

import (
	"maps"

	"facteur.dev/facteur/internal/i18n"
)

// texts is everything the pages say. The catalogues do not share keys.
var texts = func() i18n.Catalogue {
	all := i18n.Catalogue{}
	for _, c := range catalogues {
		maps.Copy(all, c)
	}
	return all
}()

var catalogues = []i18n.Catalogue{generalTexts, listTexts, invoiceTexts, stateTexts, eventTexts, inboxTexts, auditTexts, portalTexts}

var generalTexts = i18n.Catalogue{
	"language":   {EN: "English", FR: "Français"},
	"skip":       {EN: "To the content", FR: "Aller au contenu"},
	"navigation": {EN: "Pages", FR: "Pages"},
	"crumbs":     {EN: "Where you are", FR: "Où vous êtes"},
	"invoices":   {EN: "Invoices", FR: "Factures"},
	"inbox":      {EN: "Received", FR: "Reçues"},
	"audit":      {EN: "Audit", FR: "Audit"},
	"home":       {EN: "To the first page", FR: "Vers la première page"},
	"back":       {EN: "Back", FR: "Retour"},
	"times":      {EN: "Times are those of {zone}.", FR: "Heures du fuseau {zone}."},
	"test_mode":  {EN: "Test mode: nothing of this account reaches a real address.", FR: "Mode test : rien de ce compte n’atteint une adresse réelle."},

	"sign_in":          {EN: "Sign in", FR: "Connexion"},
	"sign_out":         {EN: "Sign out", FR: "Déconnexion"},
	"email":            {EN: "E-mail address", FR: "Adresse e-mail"},
	"password":         {EN: "Password", FR: "Mot de passe"},
	"sign_in.wrong":    {EN: "The address or the password is wrong.", FR: "L’adresse ou le mot de passe est erroné."},
	"sign_in.too_many": {EN: "Too many tries. Wait a minute, then try again.", FR: "Trop d’essais. Attendez une minute avant de réessayer."},

	"role.admin":    {EN: "Administrator", FR: "Administrateur"},
	"role.operator": {EN: "Operator", FR: "Opérateur"},
	"role.clerk":    {EN: "Clerk", FR: "Comptable fournisseurs"},
	"role.approver": {EN: "Approver", FR: "Valideur"},
	"role.auditor":  {EN: "Auditor", FR: "Auditeur"},
	"role.api":      {EN: "Program", FR: "Programme"},

	"done.released":     {EN: "Released: it is being checked again.", FR: "Libérée : elle est de nouveau contrôlée."},
	"done.corrected":    {EN: "Corrected: it is being checked again.", FR: "Corrigée : elle est de nouveau contrôlée."},
	"done.overridden":   {EN: "The findings pass under your name.", FR: "Les constats sont levés sous votre nom."},
	"done.cancelled":    {EN: "Cancelled.", FR: "Annulée."},
	"done.credited":     {EN: "The credit note is being made.", FR: "L’avoir est en préparation."},
	"done.resent":       {EN: "Queued to be sent again.", FR: "Remise en file d’envoi."},
	"done.resolved":     {EN: "Your word on the delivery is recorded.", FR: "Votre déclaration sur la remise est enregistrée."},
	"done.answered":     {EN: "Your answer is recorded.", FR: "Votre réponse est enregistrée."},
	"done.acknowledged": {EN: "Marked as taken over.", FR: "Marquée comme prise en charge."},

	"error.not_found":                   {EN: "There is nothing here", FR: "Il n’y a rien ici"},
	"error.not_found.text":              {EN: "The address is wrong, or what it led to is not yours to see.", FR: "L’adresse est erronée, ou ce qu’elle désigne ne vous est pas accessible."},
	"error.gone":                        {EN: "This link no longer works", FR: "Ce lien ne fonctionne plus"},
	"error.gone.text":                   {EN: "It has expired or was withdrawn. Ask the seller for a new one; the invoice that came with the e-mail is still good.", FR: "Il a expiré ou a été retiré. Demandez-en un nouveau au vendeur ; la facture jointe à l’e-mail reste valable."},
	"error.forbidden":                   {EN: "You may not do this", FR: "Vous n’avez pas ce droit"},
	"error.forbidden.text":              {EN: "Your role does not include it. An administrator can change that.", FR: "Votre rôle ne la comprend pas. Un administrateur peut le changer."},
	"error.form":                        {EN: "This page was too old", FR: "Cette page était trop ancienne"},
	"error.form.text":                   {EN: "Nothing was done. Open the page again and press the button there.", FR: "Rien n’a été fait. Ouvrez de nouveau la page et appuyez-y sur le bouton."},
	"error.unauthorized":                {EN: "You are not signed in any more", FR: "Vous n’êtes plus connecté"},
	"error.unauthorized.text":           {EN: "Nothing was done. Sign in and try again.", FR: "Rien n’a été fait. Connectez-vous et réessayez."},
	"error.invalid":                     {EN: "Something is missing or wrong", FR: "Quelque chose manque ou est erroné"},
	"error.invalid.text":                {EN: "Nothing was changed. Go back, correct it and send it again.", FR: "Rien n’a été modifié. Revenez en arrière, corrigez et renvoyez."},
	"error.idempotency_key_reused":      {EN: "This was sent before with another content", FR: "Cela a déjà été envoyé avec un autre contenu"},
	"error.idempotency_key_reused.text": {EN: "Nothing was changed.", FR: "Rien n’a été modifié."},
	"error.state":                       {EN: "This is not possible any more", FR: "Ce n’est plus possible"},
	"error.state.text":                  {EN: "Nothing was changed: things have moved on since the page was opened.", FR: "Rien n’a été modifié : la situation a changé depuis l’ouverture de la page."},
	"error.duplicate":                   {EN: "This exists already", FR: "Cela existe déjà"},
	"error.duplicate.text":              {EN: "Nothing was changed.", FR: "Rien n’a été modifié."},
	"error.conflict":                    {EN: "Somebody else was faster", FR: "Quelqu’un a été plus rapide"},
	"error.conflict.text":               {EN: "The record was changed in the meantime. Look at it again, then decide.", FR: "L’enregistrement a été modifié entre-temps. Regardez-le de nouveau, puis décidez."},
	"error.unavailable":                 {EN: "Not available right now", FR: "Indisponible pour le moment"},
	"error.unavailable.text":            {EN: "Nothing was lost. Try again in a moment.", FR: "Rien n’est perdu. Réessayez dans un instant."},
	"error.too_large":                   {EN: "This is too large", FR: "C’est trop volumineux"},
	"error.too_large.text":              {EN: "Nothing was changed.", FR: "Rien n’a été modifié."},
	"error.method_not_allowed":          {EN: "This page cannot be used like that", FR: "Cette page ne s’utilise pas ainsi"},
	"error.method_not_allowed.text":     {EN: "Open it from the page that led you here.", FR: "Ouvrez-la depuis la page qui vous a mené ici."},
	"error.internal":                    {EN: "Something went wrong here", FR: "Une erreur est survenue chez nous"},
	"error.internal.text":               {EN: "It is our fault and has been logged. Nothing was lost.", FR: "C’est notre faute, et elle est consignée. Rien n’est perdu."},
	"error.request":                     {EN: "Request {id}", FR: "Requête {id}"},
}

var listTexts = i18n.Catalogue{
	"list":            {EN: "List", FR: "Liste"},
	"list.none":       {EN: "No invoice yet. The first one appears here as soon as an order comes in.", FR: "Aucune facture pour l’instant. La première apparaîtra ici dès l’arrivée d’une commande."},
	"list.none_found": {EN: "Nothing found.", FR: "Rien trouvé."},
	"list.all":        {EN: "Show all", FR: "Tout afficher"},
	"list.more":       {EN: "Older ones", FR: "Plus anciennes"},
	"list.partial":    {EN: "Not all of the older ones have been looked through yet.", FR: "Les plus anciennes n’ont pas encore toutes été parcourues."},
	"groups":          {EN: "Groups", FR: "Groupes"},
	"search":          {EN: "Search", FR: "Chercher"},
	"search.invoices": {EN: "Number, reference or customer", FR: "Numéro, référence ou client"},
	"search.inbox":    {EN: "Invoice number", FR: "Numéro de facture"},
	"from_day":        {EN: "Made from", FR: "Créées du"},
	"to_day":          {EN: "to", FR: "au"},
	"number":          {EN: "Number", FR: "Numéro"},
	"no_number":       {EN: "No number yet", FR: "Pas encore de numéro"},
	"draft":           {EN: "Draft", FR: "Brouillon"},
	"unnumbered":      {EN: "No number", FR: "Sans numéro"},
	"customer":        {EN: "Customer", FR: "Client"},
	"seller":          {EN: "Seller", FR: "Vendeur"},
	"amount":          {EN: "To pay", FR: "À payer"},
	"due":             {EN: "Due", FR: "Échéance"},
	"standing":        {EN: "Where it stands", FR: "Où elle en est"},
	"changed":         {EN: "Last change", FR: "Dernier changement"},
	"arrived":         {EN: "Arrived", FR: "Arrivée"},

	"report":         {EN: "This morning’s report", FR: "Le point du matin"},
	"report.quiet":   {EN: "Nothing needs you.", FR: "Rien ne vous attend."},
	"report.waiting": {EN: "{n} invoice needs you.|{n} invoices need you.", FR: "{n} facture vous attend.|{n} factures vous attendent."},

	"group.":                {EN: "All", FR: "Toutes"},
	"group.held":            {EN: "Held", FR: "Retenues"},
	"group.held.next":       {EN: "Correct what is missing, then release.", FR: "Complétez ce qui manque, puis libérez."},
	"group.held.none":       {EN: "None waits for you.", FR: "Aucune ne vous attend."},
	"group.bounced":         {EN: "Bounced", FR: "Non remises"},
	"group.bounced.next":    {EN: "Correct the customer’s address, then send again.", FR: "Corrigez l’adresse du client, puis renvoyez."},
	"group.bounced.none":    {EN: "No address has failed.", FR: "Aucune adresse en échec."},
	"group.unknown":         {EN: "Unknown", FR: "Incertaines"},
	"group.unknown.next":    {EN: "Ask the customer whether it arrived, and say so.", FR: "Demandez au client si elle est arrivée, et notez-le."},
	"group.unknown.none":    {EN: "No delivery is in doubt.", FR: "Aucune remise n’est incertaine."},
	"group.refused":         {EN: "Refused or disputed", FR: "Refusées ou en litige"},
	"group.refused.next":    {EN: "Read the reason; answer, or credit the invoice.", FR: "Lisez le motif ; répondez, ou établissez un avoir."},
	"group.refused.none":    {EN: "No customer objects.", FR: "Aucun client ne conteste."},
	"group.never_sent":      {EN: "Not sent yet", FR: "Pas encore envoyées"},
	"group.never_sent.next": {EN: "On their way out. Look at those that stay.", FR: "En cours d’envoi. Surveillez celles qui restent."},
	"group.never_sent.none": {EN: "Everything has left.", FR: "Tout est parti."},
	"group.sent":            {EN: "Sent", FR: "Envoyées"},
	"group.sent.next":       {EN: "Nothing to do: the customer’s side has not confirmed yet.", FR: "Rien à faire : le client n’a pas encore confirmé."},
	"group.sent.none":       {EN: "None is without confirmation.", FR: "Aucune n’est sans confirmation."},
	"group.confirmed":       {EN: "Confirmed", FR: "Confirmées"},
	"group.confirmed.next":  {EN: "Nothing to do. Of the last seven days.", FR: "Rien à faire. Sur les sept derniers jours."},
	"group.confirmed.none":  {EN: "None in the last seven days.", FR: "Aucune sur les sept derniers jours."},
	"group.ended":           {EN: "Ended", FR: "Terminées"},
}
